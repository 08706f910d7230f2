"""What is generated from the descriptors is what is committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from protos import api, generate, loader
from protos.messages import MESSAGES


@pytest.mark.parametrize(("alias", "full_name"), MESSAGES.items(), ids=MESSAGES)
def test_every_message_exists(alias, full_name):
    assert loader.message(full_name).DESCRIPTOR.full_name == full_name
    assert getattr(api, alias) is loader.message(full_name)
    assert alias in api.__all__


def test_the_module_of_short_names_is_current():
    assert Path(api.__file__).read_text() == generate.api_source(), "run: python -m protos.generate"


def test_the_stubs_are_current(tmp_path):
    generate.write_stubs(tmp_path)

    def files(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()
        }

    committed, generated = files(generate.STUBS), files(tmp_path)
    assert committed.keys() == generated.keys(), "run: python -m protos.generate"
    different = [name for name in generated if committed[name] != generated[name]]
    assert different == [], "run: python -m protos.generate"
