"""Every record of the domain is a value: nothing can change it behind somebody's back."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import is_dataclass

import borealis_server.domain
from borealis_server.domain.names import ResourceName


def modules():
    found = pkgutil.walk_packages(borealis_server.domain.__path__, prefix="borealis_server.domain.")
    return [importlib.import_module(module.name) for module in found]


def records():
    return [
        each
        for module in modules()
        for each in vars(module).values()
        if inspect.isclass(each) and each.__module__ == module.__name__ and is_dataclass(each)
    ]


def test_there_are_records_to_look_at():
    assert len(modules()) > 25
    assert len(records()) > 40


def test_every_record_is_frozen_and_takes_no_other_fields():
    open_ones = [
        record.__name__
        for record in records()
        if not record.__dataclass_params__.frozen or "__slots__" not in vars(record)
    ]

    assert open_ones == []


def test_every_record_names_its_fields_except_names_which_are_two_words():
    positional = [
        record.__name__
        for record in records()
        if not issubclass(record, ResourceName)
        and any(not field.kw_only for field in record.__dataclass_fields__.values())
    ]

    assert positional == []
