"""The table of kits."""

import pytest

from hladr import kits
from hladr.study.config import schema


def test_the_contracts_kits_are_there():
    assert set(kits.names()) == {"quantibrite-pe", "quantum-simply-cellular", "quantum-mesf", "qifikit", "mef"}


def test_a_study_may_set_what_each_kit_has_and_no_other():
    assert schema("config")["properties"]["kits"]["propertyNames"]["enum"] == list(kits.names())


def test_quantibrite_has_the_working_limits_of_the_field():
    kit = kits.kit("quantibrite-pe")
    assert (kit.limits.slope_fine, kit.limits.slope_review) == ((0.95, 1.05), (0.90, 1.10))
    assert (kit.limits.recovery_fine_percent, kit.limits.recovery_review_percent) == (5, 10)
    assert (kit.abc, kit.blank, kit.interchangeable) == ("per_antibody", "none", True)


def test_only_quantibrite_is_on_the_scale_of_the_cut_offs():
    assert [name for name in kits.names() if kits.kit(name).interchangeable] == ["quantibrite-pe"]


def test_every_kit_says_where_its_limits_come_from():
    assert all(len(kits.kit(name).source) > 40 for name in kits.names())


def test_a_study_overrides_single_limits():
    kit = kits.kit("mef", {"mef": {"units_per_pe_molecule": 1.3, "limits": {"recovery_fine_percent": 6}}})
    assert kit.units_per_pe_molecule == 1.3
    assert kit.limits.recovery_fine_percent == 6
    assert kit.limits.recovery_review_percent == kits.kit("mef").limits.recovery_review_percent


def test_unknown_kit():
    with pytest.raises(KeyError):
        kits.kit("sphero")
