"""Where logins are kept, and which one is meant."""

from __future__ import annotations

import json

import keyring
import pytest
from keyring.backend import KeyringBackend

from borealis_client import NotLoggedInError, SettingsError, resolve
from borealis_client.login.contexts import Contexts, LoginContext, read_contexts, write_contexts
from borealis_client.login.issuer import Granted
from borealis_client.login.keeping import keep_login, use_context
from borealis_client.login.tokens import LoginTokens
from borealis_client.login.vault import KeptTokens, best_vault, vault_of
from borealis_client.settings import login_target

TOKENS = KeptTokens(access_token="a", expires_at=2e9, refresh_token="r")
PROD = LoginContext(name="prod", server="prod.example:7443", issuer="https://prod.example:8443", user="Ana")
TEST = LoginContext(name="test", server="test.example:7443", issuer="https://test.example:8443")


class Ring(KeyringBackend):
    """A keyring that works."""

    priority = 5

    def __init__(self):
        super().__init__()
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


class Broken(Ring):
    """One that fails in a way of its own."""

    def set_password(self, service, username, password):
        raise RuntimeError(f"locked: {service} {username} {len(password)}")


@pytest.fixture
def ring():
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "borealis"


@pytest.fixture
def env(tmp_path):
    return {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}


def test_a_keyring_that_works_is_taken_and_holds_the_tokens(ring, folder):
    assert best_vault({}) == "keyring"
    assert ring.kept == {}

    vault_of("keyring", folder).write("prod", TOKENS)

    assert vault_of("keyring", folder).read("prod") == TOKENS
    assert not folder.exists()
    vault_of("keyring", folder).remove("prod")
    assert vault_of("keyring", folder).read("prod") is None
    vault_of("keyring", folder).remove("prod")


@pytest.mark.usefixtures("ring")
def test_without_a_keyring_that_works_there_is_the_file():
    assert best_vault({"BOREALIS_KEYRING": "off"}) == "file"
    keyring.set_keyring(Broken())
    assert best_vault({}) == "file"


def test_a_file_keeps_logins_apart_and_survives_damage(folder):
    vault = vault_of("file", folder)
    vault.write("prod", TOKENS)
    vault.write("test", TOKENS)
    vault.remove("prod")

    assert vault.read("prod") is None
    assert vault.read("test") == TOKENS
    for damaged in ("rubbish", "[]", '{"test": 5}', '{"test": {"access_token": "a"}}'):
        (folder / "credentials.json").write_text(damaged)
        assert vault.read("test") is None


def test_the_current_login_is_meant_and_others_by_their_server_or_name(folder, env):
    write_contexts(folder, Contexts(contexts=(PROD, TEST), current="prod"))

    assert resolve(environment=env).login == PROD
    assert resolve("test.example", environment=env).login == TEST
    assert resolve(environment=env | {"BOREALIS_CONTEXT": "test"}).login == TEST
    assert (
        resolve("prod.example", environment=env | {"BOREALIS_CLIENT_ID": "c", "BOREALIS_CLIENT_SECRET": "s"}).login
        is None
    )
    assert resolve("prod.example", environment=env | {"BOREALIS_TOKEN": "t"}).login is None


def test_a_login_never_goes_to_another_server(folder, env):
    write_contexts(folder, Contexts(contexts=(PROD,), current="prod"))

    with pytest.raises(NotLoggedInError, match=r"borealis login other\.example:7443"):
        resolve("other.example", environment=env)
    with pytest.raises(SettingsError, match="not for other"):
        resolve("other.example", environment=env | {"BOREALIS_CONTEXT": "prod"})
    with pytest.raises(NotLoggedInError, match="there is: prod"):
        resolve(environment=env | {"BOREALIS_CONTEXT": "nobody"})


@pytest.mark.parametrize("value", ["true", "1"])
def test_in_ci_and_with_a_context_file_logins_are_left_out(folder, env, value):
    write_contexts(folder, Contexts(contexts=(PROD,), current="prod"))

    for extra in ({"CI": value}, {"BOREALIS_CONTEXT_FILE": str(folder / "none.json")}):
        with pytest.raises(NotLoggedInError):
            resolve(environment=env | extra)


@pytest.mark.parametrize(
    "text", ["[]", "{}", "rubbish", '{"current": 5, "contexts": {}}', '{"current": "", "contexts": {"a": {"x": "y"}}}']
)
def test_a_damaged_file_says_what_to_do(folder, env, text):
    folder.mkdir()
    (folder / "contexts.json").write_text(text)

    with pytest.raises(SettingsError, match="Remove it and log in again"):
        resolve(environment=env)


def test_keeping_a_login_makes_it_the_current_one_and_moves_its_tokens(ring, folder):
    keep_login(folder, PROD, Granted(tokens=TOKENS, tenant="main"))
    assert vault_of("file", folder).read("prod") == TOKENS

    moved = LoginContext(name="prod", server="prod.example:7443", issuer="https://prod.example", kept_in="keyring")
    keep_login(folder, moved, Granted(tokens=TOKENS, tenant="main"))

    assert vault_of("file", folder).read("prod") is None
    assert len(ring.kept) == 1
    assert read_contexts(folder).current == "prod"
    use_context(folder, "")
    assert read_contexts(folder).current == ""


def test_where_to_log_in_is_known_from_before_or_guessed(folder, env, tmp_path):
    write_contexts(folder, Contexts(contexts=(PROD,), current="prod"))
    local = tmp_path / "client.json"
    local.write_text(json.dumps({"server": "localhost:7443", "web": "https://localhost:9", "ca_file": "/ca.pem"}))
    local.chmod(0o600)
    env["BOREALIS_CONTEXT_FILE"] = str(local)

    assert login_target(environment=env).web == PROD.issuer
    assert login_target("new.example", environment=env).web == "https://new.example:8443"
    found = login_target("localhost", environment=env)
    assert (found.web, str(found.ca_file)) == ("https://localhost:9", "/ca.pem")
    assert login_target("localhost", web="https://other:1", environment=env).web == "https://other:1"


async def test_a_kept_token_is_used_while_it_has_life_left(folder):
    keep_login(folder, PROD, Granted(tokens=TOKENS, tenant="main"))
    tokens = LoginTokens(PROD, folder, clock=lambda: 2e9 - 301)

    assert await tokens.get() == "a"


async def test_a_login_without_tokens_is_over(folder):
    with pytest.raises(NotLoggedInError, match=r"borealis login prod\.example"):
        await LoginTokens(PROD, folder).get()
