"""Weights of names as the text of a JSON file, and the id of such a text."""

import json

from swatchbook.catalogue.choose_names import Weights
from swatchbook.records.record import sha256

ID_DIGITS = 16


def dump_weights(weights: Weights) -> str:
    """Return weights as JSON, one feature a line; `choose_names.read_weights` reads it."""
    groups, names, found, silent = (
        ",\n".join("    " + json.dumps([name, *values]) for name, values in rows.items())
        for rows in (weights.features, weights.right, weights.found, weights.silent)
    )
    text = f'{{\n  "none": {weights.none},\n  "features": [\n{groups}\n  ],\n'
    text += f'  "meaning": {json.dumps(weights.meaning)},\n'
    text += f'  "any_right": {weights.any_right},\n  "right": [\n{names}\n  ],\n'
    text += f'  "any_found": {weights.any_found},\n  "found": [\n{found}\n  ],\n'
    return text + f'  "any_silent": {weights.any_silent},\n  "silent": [\n{silent}\n  ]\n}}\n'


def id_of_weights(text: str) -> str:
    """Return the id by which documents name these weights."""
    return sha256(text.encode())[:ID_DIGITS]
