"""Find the JSON in a chat model's reply, and describe what in it does not fit."""

import re

from pydantic import ValidationError

from swatchbook_base.reply_shapes import single_line

_LONGEST_COMPLAINT = 200  # characters of a line, because the model may invent names of fields


def json_in(text: str) -> str:
    """Return the JSON object in a model's reply, without its reasoning, code fences and other text; "" if none."""
    answer = re.sub(r"^.*</think>", "", text, flags=re.DOTALL)
    start, end = answer.find("{"), answer.rfind("}")
    return answer[start : end + 1] if 0 <= start < end else ""


def complaint(error: ValidationError) -> str:
    """Return a complaint about an answer for the model to correct it: at most ten lines, without its values."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}" for each in details[:10]]
    return "\n".join(single_line(line, _LONGEST_COMPLAINT) for line in lines)
