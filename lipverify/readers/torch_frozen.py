"""Modules with the tensors that their parametrizations give in the parametrizations' place.

What `torch.nn.utils.parametrize` does to a weight (a spectral norm, an orthogonalisation) says nothing of the function
that the module computes in eval mode: its weight is then one tensor, of exact numbers like any other.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from lipverify.errors import UnsupportedLayer


def frozen(module: nn.Module) -> nn.Module:
    """The module without its parametrizations, those in training mode excepted; itself where it has none.

    The module given is left as it is: not even the buffers change that a parametrization counts its steps in.

    Raises
    ------
    UnsupportedLayer
        For a parametrization that gives another tensor every time it is asked.
    """
    if not any(parametrize.is_parametrized(part) for part in module.modules()):
        return module
    return _frozen(module, "", {})


def _frozen(module: nn.Module, name: str, made: dict[int, nn.Module]) -> nn.Module:
    if id(module) in made:
        return made[id(module)]
    kind, parts, values = type(module), dict(module._modules), dict(module._parameters)
    if parametrize.is_parametrized(module):
        if any(part.training for part in module.modules()):
            return module
        kind = type(module).__bases__[0]
        place = f"layer '{name}' ({kind.__name__})" if name else f"the module ({kind.__name__})"
        values |= {own: _tensor(given, own, place) for own, given in _parametrizations(parts.pop("parametrizations"))}
    plain = nn.Module()  # no copy.copy: a parametrized module refuses it
    plain.__class__ = kind
    made[id(module)] = plain
    plain.__dict__.update(module.__dict__)
    plain.__dict__["_parameters"] = values
    plain.__dict__["_modules"] = {
        key: part if part is None else _frozen(part, f"{name}.{key}" if name else key, made)
        for key, part in parts.items()
    }
    return plain


@contextmanager
def _unchanged(module: nn.Module) -> Generator[None]:
    """Put the numbers of a module back in the end. (A copy would not do: tensors of a graph cannot be copied.)"""
    before: list[tuple[Any, str, torch.Tensor, torch.Tensor]] = [
        (held, name, tensor, tensor.clone())
        for part in module.modules()
        for held in (part._parameters, part._buffers)
        for name, tensor in held.items()
        if tensor is not None
    ]
    try:
        yield
    finally:
        for held, name, tensor, numbers in before:
            held[name] = tensor
            tensor.copy_(numbers)


def _parametrizations(container: Any) -> list[tuple[str, Any]]:
    return list(container._modules.items())


def _tensor(given: Any, name: str, place: str) -> nn.Parameter:
    """What a parametrization gives, asked twice: some go on with an iteration whenever they are asked."""
    with torch.no_grad(), _unchanged(given):
        first = given().clone()
        second = given()
    if not torch.equal(first.nan_to_num(), second.nan_to_num()):
        far = float((first.double() - second.double()).abs().max())
        raise UnsupportedLayer(
            f"{place}: its parametrization gives another {name} every time it is asked, {far:.1g} from the one before, "
            "also in eval mode: the module is not one function. Keep one of them: "
            f"torch.nn.utils.parametrize.remove_parametrizations(layer, '{name}')"
        )
    return nn.Parameter(first.detach().clone(), requires_grad=False)
