import pytest

from engine.errors import UsageError
from maml_tui.app.settings import Settings, read_settings


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return path

    return write


def test_no_file_means_no_settings(tmp_path):
    assert read_settings(tmp_path / "config.toml", {}) == Settings()


def test_the_environment_wins_over_the_file(written):
    path = written('[interface]\ntheme = "nord"\nhz = 1\n')
    settings = read_settings(path, {"MAML_HZ": "2", "MAML_CHARSET": "ascii"})
    assert (settings.interface.theme, settings.interface.hz, settings.interface.charset) == (
        "nord",
        2.0,
        "ascii",
    )


@pytest.mark.parametrize(
    ("text", "environment", "message"),
    [
        (
            "[interface]\nthem = 1",
            {},
            r"config.toml: interface.them: unknown setting \(did you mean theme\?\)",
        ),
        ("[interface]\nhz = 99", {}, r"interface.hz: must be less than or equal to 20"),
        ("", {"MAML_HZ": "fast"}, r"MAML_HZ = 'fast': must be a valid number"),
        ("[interface", {}, r"config.toml is not TOML"),
        ("interface = 1", {"MAML_HZ": "1"}, r"interface: must be a valid dictionary"),
        ('[keys]\n"train.pose" = "p"', {}, r"keys.train.pose: unknown action \(did you mean train.pause\?\)"),
        ('[keys]\n"train.pause" = "c"', {}, r"the key c means both train.pause and train.checkpoint"),
        ('[keys]\n"train.pause" = "q"', {}, r"the key q means both app.leave and train.pause"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(written, text, environment, message):
    with pytest.raises(UsageError, match=message):
        read_settings(written(text), environment)


def test_a_key_may_move_to_where_it_is_free(written):
    settings = read_settings(written('[keys]\n"train.pause" = "space,ctrl+r"\n"runs.resume" = "v"'), {})
    assert settings.keys == {"train.pause": "space,ctrl+r", "runs.resume": "v"}


def test_no_hyperparameter_is_read_from_settings(written):
    with pytest.raises(UsageError, match="unknown setting"):
        read_settings(written("meta_lr = 0.1"), {})
