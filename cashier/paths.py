"""Where things are: the data files that ship with the product, and this user's folders."""

from pathlib import Path


def resources() -> Path:
    """The `resources` folder: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "resources"
    return installed if installed.is_dir() else package.parent / "resources"


def settings_file() -> Path:
    """This user's settings file; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_config_dir("cashier", appauthor=False)) / "settings.toml"


def data_folder(training: bool) -> Path:
    """This user's data folder: training has one of its own."""
    import platformdirs

    base = Path(platformdirs.user_data_dir("cashier", appauthor=False))
    return base / "training" if training else base


def own_schedules(settings_file: Path) -> Path:
    """Where an office keeps fee schedules of its own: beside its settings file; it need not exist."""
    return settings_file.parent / "schedules"
