"""Coerces events: gives their strings the types that a schema asks for, before the schema judges them."""

from .compiler import compile_coercion
from .place import Coercion
from .walk import FAULT, Walk

__all__ = ["FAULT", "Coercion", "Walk", "compile_coercion"]
