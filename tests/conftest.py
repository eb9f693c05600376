"""What every test can ask for by name: see `kit.fixtures`."""

from hypothesis import settings

pytest_plugins = ["kit.fixtures"]

settings.register_profile("borealis", deadline=None)  # how long an example takes is the machine's business
settings.load_profile("borealis")
