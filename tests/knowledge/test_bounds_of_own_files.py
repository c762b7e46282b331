"""How large a file of one's own may be, and how long a key in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.parse import parse_yaml, read_own_text


def test_a_file_of_4_megabytes_is_read(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_bytes(b" " * 4_194_304)
    assert len(read_own_text(tmp_path / "ours.yaml")) == 4_194_304


def test_a_file_of_one_byte_more_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_bytes(b" " * 4_194_305)
    with pytest.raises(KnowledgeError, match=r"^ours\.yaml: file: is larger than 4 MB$"):
        read_own_text(tmp_path / "ours.yaml")


def test_a_key_of_200_characters_is_read() -> None:
    assert parse_yaml(f"{'k' * 200}: 1\n", "ours.yaml") == {"k" * 200: 1}


def test_a_key_of_201_characters_is_refused() -> None:
    with pytest.raises(KnowledgeError, match=r"^ours\.yaml:1: yaml: has a key of more than 200 characters$"):
        parse_yaml(f"{'k' * 201}: 1\n", "ours.yaml")
