"""YAML files whose every key remembers its line; what could hold up or fill a process is refused."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.regular import NotRegularError, TooLargeError, read_regular

LARGEST = 1 << 22  # bytes of a file of one's own; the largest one shipped has 25 kB
_DEEPEST = 64
_MOST_PARTS = 200_000
_LONGEST_KEY = 200
_LONGEST_NUMBER = 300
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_MERGE = "tag:yaml.org,2002:merge"
_OPENING, _CLOSING = (yaml.MappingStartEvent, yaml.SequenceStartEvent), (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_own_text(path: Path) -> str:
    """Read a text file of the user's; a fault names it."""
    problem = "cannot be read as UTF-8 text"
    try:
        return read_regular(path, LARGEST).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except NotRegularError:
        problem = "is a pipe or a device; name a file"
    except TooLargeError:
        problem = f"is larger than {LARGEST >> 20} MB"
    except FileNotFoundError:
        problem = "does not exist; check its name and folder"
    except OSError as error:
        problem = f"cannot be read: {os.strerror(error.errno).lower()}" if error.errno else "cannot be read"
    except ValueError:
        pass
    # Outside the except block: nothing of the first error is attached.
    raise KnowledgeError(path.name, None, "file", problem)


@lru_cache(maxsize=512)
def parse_table(text: str, file: str) -> YamlNode:
    """Parse a file of reference_ranges/ once: several tables stand in one, and nothing changes what is read."""
    return parse_yaml(text, file)


def parse_yaml(text: str, file: str) -> YamlNode:
    """Parse a YAML file whose top level is a mapping."""
    line, problem = None, "cannot be parsed"
    try:
        _check_parts(text, file)
        root = yaml.compose(text, Loader=_Loader)
        value = _build(root, file, yaml.SafeLoader(""))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        problem = error.problem or problem
    except yaml.YAMLError:
        pass
    else:
        if isinstance(value, YamlNode):
            return value
        line, problem = 1, "the top level must be a mapping"
    raise KnowledgeError(file, line, "yaml", problem)


def _check_parts(text: str, file: str) -> None:
    """Refuse what may stand for much more than is written: references, and depth or length without end."""
    depth, problem = 0, ""
    for number, event in enumerate(yaml.parse(text, Loader=_Loader)):
        depth += isinstance(event, _OPENING) - isinstance(event, _CLOSING)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            problem = "has an anchor (&) or an alias (*), which are not read; write out what it stands for"
        elif depth > _DEEPEST:
            problem = f"is nested more than {_DEEPEST} deep"
        elif number > _MOST_PARTS:
            problem = f"has more than {_MOST_PARTS:,} parts"
        if problem:
            mark = event.start_mark
            raise KnowledgeError(file, mark.line + 1 if mark else None, "yaml", problem)


def _build(node: Any, file: str, constructor: Any) -> Any:
    if isinstance(node, yaml.MappingNode | yaml.SequenceNode) and node.tag not in _PLAIN_TAGS:
        raise KnowledgeError(file, node.start_mark.line + 1, "yaml", "holds a tag that is not allowed")
    if isinstance(node, yaml.MappingNode):
        result = YamlNode()
        result.file, result.lines = file, {"": node.start_mark.line + 1}
        for key_node, value_node in node.value:
            key, line = _key(key_node, file), key_node.start_mark.line + 1
            if key in result:
                raise KnowledgeError(file, line, key, "is given twice")
            result[key] = _build(value_node, file, constructor)
            result.lines[key] = line
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, file, constructor) for item in node.value]
    return None if node is None else _scalar(node, file, constructor)


def _key(node: Any, file: str) -> str:
    problem = ""
    if not isinstance(node, yaml.ScalarNode):
        problem = "has a key that is not a text"
    elif node.tag == _MERGE:
        problem = "has a merge key (<<), which is not read; write out what it stands for"
    elif len(node.value) > _LONGEST_KEY:
        problem = f"has a key of more than {_LONGEST_KEY} characters"
    if problem:
        raise KnowledgeError(file, node.start_mark.line + 1, "yaml", problem)
    return str(node.value)


def _scalar(node: Any, file: str, constructor: Any) -> Any:
    problem = "holds a value that cannot be read; put it in quotation marks if it is a text"
    if node.tag in _NUMBERS and len(node.value) > _LONGEST_NUMBER:
        raise KnowledgeError(file, node.start_mark.line + 1, "yaml", problem)
    try:
        return constructor.construct_object(node, deep=True)
    except yaml.MarkedYAMLError:
        problem = "holds a tag that is not allowed"
    except (ValueError, ArithmeticError, LookupError, TypeError):  # as PyYAML raises them
        pass
    raise KnowledgeError(file, node.start_mark.line + 1, "yaml", problem)
