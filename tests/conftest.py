"""What every test can ask for by name: see `kit.fixtures`."""

pytest_plugins = ["kit.fixtures"]
