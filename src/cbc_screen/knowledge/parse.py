"""YAML files whose every key remembers its line."""

from __future__ import annotations

from typing import Any

import yaml

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.strict import Node

_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str, file: str) -> Node:
    """Parse a YAML file whose top level is a mapping."""
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        raise KnowledgeError(
            file, mark.line + 1 if mark else None, "yaml", problem.problem or "cannot be parsed"
        ) from None
    except yaml.YAMLError:
        raise KnowledgeError(file, None, "yaml", "cannot be parsed") from None
    try:
        value = _build(root, file, yaml.SafeLoader(""))
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        raise KnowledgeError(file, mark.line + 1 if mark else None, "yaml", "holds a tag that is not allowed") from None
    except RecursionError:
        raise KnowledgeError(file, None, "yaml", "refers to itself") from None
    if not isinstance(value, Node):
        raise KnowledgeError(file, 1, "yaml", "the top level must be a mapping")
    return value


def _build(node: Any, file: str, constructor: Any) -> Any:
    if isinstance(node, yaml.MappingNode | yaml.SequenceNode) and node.tag not in _PLAIN_TAGS:
        raise KnowledgeError(file, node.start_mark.line + 1, "yaml", "holds a tag that is not allowed")
    if isinstance(node, yaml.MappingNode):
        result = Node()
        result.file, result.lines = file, {"": node.start_mark.line + 1}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in result:
                raise KnowledgeError(file, line, key, "is given twice")
            result[key] = _build(value_node, file, constructor)
            result.lines[key] = line
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, file, constructor) for item in node.value]
    if node is None:
        return None
    return constructor.construct_object(node, deep=True)
