"""Say where a file that a person wrote is not YAML: the line, and the parser's words about it."""

from pathlib import Path

from swatchbook.one_line import one_line


def yaml_problem(file: Path, error: Exception) -> str:
    """Return what is wrong with a file as a sentence, from the parser's error."""
    mark = getattr(error, "problem_mark", None)
    place = f"{file}, line {mark.line + 1}" if mark else str(file)
    return f"{place}: this is not YAML: {one_line(getattr(error, 'problem', None) or 'it cannot be read')}."
