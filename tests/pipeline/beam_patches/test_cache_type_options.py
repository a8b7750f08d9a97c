"""Check that a cached view of the options of type checks is the one that Beam would make."""

import gc

import pytest
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions, TypeOptions

from pipeline.beam_patches import cache_type_options
from pipeline.beam_patches.cache_type_options import patch

FLAGS = ["--runtime_type_check", "--type_check_strictness=ALL_REQUIRED", "--runner=FnApiRunner"]


def content(options: TypeOptions) -> tuple[type, dict[str, object]]:
    return type(options), options.get_all_options(retain_unknown_options=True)


@pytest.mark.parametrize("flags", [[], FLAGS])
def test_a_view_is_what_beam_makes_and_is_made_once(flags: list[str]) -> None:
    expected = content(PipelineOptions(flags).view_as(TypeOptions))
    with patch():
        options = PipelineOptions(flags)
        view = options.view_as(TypeOptions)
        assert content(view) == expected
        assert options.view_as(TypeOptions) is view
        other = PipelineOptions([*flags, "--no_pipeline_type_check"])
        assert not other.view_as(TypeOptions).pipeline_type_check
        assert options.view_as(TypeOptions).pipeline_type_check


def test_all_views_share_their_values() -> None:
    with patch():
        options = PipelineOptions(runtime_type_check=True)
        view = options.view_as(TypeOptions)
        assert view.runtime_type_check
        options.view_as(StandardOptions).view_as(TypeOptions).runtime_type_check = False
        assert not view.runtime_type_check
        view.pipeline_type_check = False
        assert not options.view_as(TypeOptions).pipeline_type_check
    assert not options.view_as(TypeOptions).pipeline_type_check


def test_values_that_are_replaced_get_a_view_of_their_own() -> None:
    with patch():
        options = PipelineOptions([])
        assert not options.view_as(TypeOptions).runtime_type_check
        options._all_options = dict(options._all_options, runtime_type_check=True)
        assert options.view_as(TypeOptions).runtime_type_check


def test_other_options_are_left_to_beam() -> None:
    with patch():
        options = PipelineOptions(["--direct_num_workers=3"])
        assert options.view_as(DirectOptions).direct_num_workers == 3
        assert options.view_as(DirectOptions) is not options.view_as(DirectOptions)


def test_options_that_are_gone_are_forgotten() -> None:
    cached = cache_type_options._cached(PipelineOptions.view_as)
    options = PipelineOptions([])
    cached(options, TypeOptions)
    assert cached.__closure__ is not None
    (views,) = [cell.cell_contents for cell in cached.__closure__ if hasattr(cell.cell_contents, "keyrefs")]
    assert len(views) == 1
    del options
    gc.collect()
    assert len(views) == 0
