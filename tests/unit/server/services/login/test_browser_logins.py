"""How people get in, and how nobody else does; with a clock that stands still."""

from __future__ import annotations

from dataclasses import replace

import pyotp
import pytest

from borealis_server.domain.errors import UserExists
from borealis_server.domain.login.records import Account, BrowserLogin, Standing, hashed
from borealis_server.domain.login.refusals import LoginDelayed, LoginExpired, LoginRefused
from borealis_server.domain.roles import DEPLOYER
from borealis_server.services.browser_logins import Origin
from borealis_server.services.people import SignUp
from kit.callers import a_caller
from kit.issuer import HERE, PASSWORD

EMAIL = "ana@example.com"
ELSEWHERE = Origin(address="198.51.100.7")


async def test_a_founder_signs_up_sets_up_a_second_factor_and_is_in(bench):
    login, factor = await bench.found()

    assert login.standing is Standing.LOGGED_IN
    person = await bench.people.person(login.user_id)
    assert (person.email, person.organization_name) == (EMAIL, "Shop")
    assert await bench.people.role_names(login.user_id, ()) == ("Organization Admin",)
    assert [choice.name for choice in await bench.people.tenants(login.user_id, ())] == ["main"]
    assert factor not in repr(await bench.store.get(Account, login.user_id))


async def test_a_later_login_takes_password_and_code(bench):
    _, factor = await bench.found()

    begun = await bench.logins.with_password("  ANA@Example.com ", PASSWORD, HERE, next_path="/device")
    assert begun.login.standing is Standing.PASSWORD_GIVEN
    assert begun.login.new_factor_sealed == ""
    complete = await bench.logins.with_code(begun.secret, bench.code(factor), HERE)

    assert (complete.login.standing, complete.login.next_path) == (Standing.LOGGED_IN, "/device")
    assert await bench.logins.browser(complete.secret) == complete.login
    assert await bench.logins.browser(begun.secret) is None


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong"), ("nobody@example.com", PASSWORD), ("", ""), (EMAIL, ""), ("x" * 9000, "y" * 9000)],
    ids=["wrong-password", "unknown", "nothing", "no-password", "long"],
)
async def test_every_wrong_pair_is_refused_in_the_same_words(bench, email, password):
    await bench.found()

    with pytest.raises(LoginRefused) as error:
        await bench.logins.with_password(email, password, HERE)
    assert error.value.message == "The address and the password do not belong together."


async def test_unknown_people_cost_a_hash_too(bench):
    class Counting:
        def __init__(self, passwords):
            self.passwords, self.asked = passwords, 0

        async def is_right(self, kept, password):
            self.asked += 1
            return await self.passwords.is_right(kept, password)

    bench.logins._passwords = counting = Counting(bench.logins._passwords)
    with pytest.raises(LoginRefused):
        await bench.logins.with_password("nobody@example.com", PASSWORD, HERE)

    assert counting.asked == 1


async def test_a_code_is_good_once(bench):
    _, factor = await bench.found()
    code = bench.code(factor)
    first = await bench.logins.with_password(EMAIL, PASSWORD, HERE)
    await bench.logins.with_code(first.secret, code, HERE)
    second = await bench.logins.with_password(EMAIL, PASSWORD, HERE)

    with pytest.raises(LoginRefused, match="not right"):
        await bench.logins.with_code(second.secret, code, HERE)


async def test_codes_cannot_be_guessed(bench):
    _, factor = await bench.found()
    begun = await bench.logins.with_password(EMAIL, PASSWORD, HERE)
    wrong = "000000" if bench.code(factor) != "000000" else "111111"
    for _ in range(5):
        with pytest.raises(LoginRefused, match="not right"):
            await bench.logins.with_code(begun.secret, wrong, HERE)

    with pytest.raises(LoginExpired):
        await bench.logins.with_code(begun.secret, bench.code(factor), HERE)


async def test_a_second_factor_that_was_set_up_cannot_be_set_up_again_from_an_old_page(bench):
    wish = SignUp(organization_name="Shop", email=EMAIL, display_name="Ana")
    one = await bench.logins.sign_up(wish, PASSWORD)
    two = await bench.logins.with_password(EMAIL, PASSWORD, HERE)
    _, first = await bench.logins.new_factor(one.login)
    _, second = await bench.logins.new_factor(two.login)
    await bench.logins.with_code(one.secret, bench.code(first), HERE)
    bench.clock.advance(30)

    with pytest.raises(LoginRefused):
        await bench.logins.with_code(two.secret, bench.code(second), HERE)


async def test_the_steps_of_a_login_have_a_quarter_of_an_hour_and_a_login_a_day(bench):
    _, factor = await bench.found()
    begun = await bench.logins.with_password(EMAIL, PASSWORD, HERE)
    bench.clock.advance(15 * 60)
    with pytest.raises(LoginExpired):
        await bench.logins.with_code(begun.secret, bench.code(factor), HERE)

    again = await bench.logins.with_password(EMAIL, PASSWORD, HERE)
    complete = await bench.logins.with_code(again.secret, bench.code(factor), HERE)
    bench.clock.advance(12 * 3600)
    assert await bench.logins.browser(complete.secret) is None


async def fail(bench, times, origin, email=EMAIL):
    """Refused without having been looked at, out of so many wrong passwords."""
    delayed = 0
    for _ in range(times):
        try:
            await bench.logins.with_password(email, "wrong", origin)
        except LoginDelayed:
            delayed += 1
        except LoginRefused:
            pass
    return delayed


async def test_wrong_passwords_from_one_place_delay_that_place_and_no_other(bench):
    await bench.found()
    assert await fail(bench, 20, ELSEWHERE) == 14

    with pytest.raises(LoginDelayed):
        await bench.logins.with_password(EMAIL, PASSWORD, ELSEWHERE)
    await bench.logins.with_password(EMAIL, PASSWORD, HERE)
    bench.clock.advance(900)
    await bench.logins.with_password(EMAIL, PASSWORD, ELSEWHERE)


async def test_nobody_can_lock_a_person_out_of_a_browser_that_they_have_used(bench):
    _, factor = await bench.found()
    begun = await bench.logins.with_password(EMAIL, PASSWORD, HERE)
    device = (await bench.logins.with_code(begun.secret, bench.code(factor), HERE)).device
    for host in range(200):
        await fail(bench, 5, Origin(address=f"203.0.113.{host}"))

    with pytest.raises(LoginDelayed):
        await bench.logins.with_password(EMAIL, PASSWORD, Origin(address="192.0.2.99"))
    await bench.logins.with_password(EMAIL, PASSWORD, Origin(address="203.0.113.1", device=device))


async def test_the_mark_of_a_browser_is_good_for_its_person_only(bench):
    _, factor = await bench.found()
    begun = await bench.logins.with_password(EMAIL, PASSWORD, HERE)
    device = (await bench.logins.with_code(begun.secret, bench.code(factor), HERE)).device
    await fail(bench, 61, ELSEWHERE, "bob@example.com")
    for host in range(100):
        await fail(bench, 5, Origin(address=f"203.0.113.{host}"), "bob@example.com")

    with pytest.raises(LoginDelayed):
        await bench.logins.with_password("bob@example.com", PASSWORD, Origin(address="192.0.2.2", device=device))


@pytest.mark.parametrize("password", ["short", "ana@example.com", "aaaaaaaaaaaaaaaaaaaa"])
async def test_a_weak_password_founds_nothing(bench, password):
    wish = SignUp(organization_name="Shop", email=EMAIL, display_name="Ana Lopez")

    with pytest.raises(LoginRefused, match="password"):
        await bench.logins.sign_up(wish, password)
    assert await bench.people.person_of(EMAIL) is None


async def test_an_address_is_taken_once(bench):
    await bench.found()

    with pytest.raises(UserExists):
        await bench.found(organization="Other")


async def test_who_was_invited_chooses_a_password_and_sets_up_a_second_factor(bench):
    founder, _ = await bench.found()
    directory = await bench.directories.of_user(founder.user_id)
    admin = replace(
        a_caller(*directory.roles_of(("admin",)), directory=directory), organization=directory.organization.id
    )
    sent = await bench.users.invite(admin, "bob@example.com", "Bob", [DEPLOYER.name])
    invited = await bench.logins.invitation(sent.secret)
    assert (invited.email, invited.organization_name) == ("bob@example.com", "Shop")

    begun = await bench.logins.accept(sent.secret, PASSWORD)
    _, factor = await bench.logins.new_factor(begun.login)
    complete = await bench.logins.with_code(begun.secret, bench.code(factor), HERE)

    assert await bench.people.role_names(complete.login.user_id, ()) == (DEPLOYER.name,)
    assert await bench.logins.invitation(sent.secret) is None
    with pytest.raises(LoginRefused, match="invitation"):
        await bench.logins.accept(sent.secret, PASSWORD)


async def test_a_deactivated_person_is_out_at_once_and_cannot_come_back(bench):
    founder, factor = await bench.found()
    begun = await bench.logins.with_password(EMAIL, PASSWORD, HERE)
    directory = await bench.directories.of_user(founder.user_id)
    gone = replace(directory.users[founder.user_id], deactivated_at=bench.clock.now())
    await bench.directories.change(directory.organization.id, lambda newest: newest.with_user(gone))

    assert await bench.logins.browser(begun.secret) is None
    with pytest.raises(LoginExpired):
        await bench.logins.with_code(begun.secret, bench.code(factor), HERE)
    with pytest.raises(LoginRefused, match="belong together"):
        await bench.logins.with_password(EMAIL, PASSWORD, HERE)


async def test_another_password_ends_every_other_browser(bench):
    login, factor = await bench.found()
    other = await bench.logins.with_password(EMAIL, PASSWORD, HERE)
    with pytest.raises(LoginRefused, match="present password"):
        await bench.logins.change_password(login, "wrong", "another long password here")
    with pytest.raises(LoginRefused, match="at least"):
        await bench.logins.change_password(login, PASSWORD, "short")

    await bench.logins.change_password(login, PASSWORD, "another long password here")

    assert await bench.logins.browser(other.secret) is None
    assert await bench.store.get(BrowserLogin, login.key) == login
    with pytest.raises(LoginRefused):
        await bench.logins.with_password(EMAIL, PASSWORD, HERE)
    again = await bench.logins.with_password(EMAIL, "another long password here", HERE)
    assert (await bench.logins.with_code(again.secret, bench.code(factor), HERE)).login.standing is Standing.LOGGED_IN


async def test_logging_out_forgets_the_browser(bench):
    await bench.found()
    begun = await bench.logins.with_password(EMAIL, PASSWORD, HERE)

    await bench.logins.log_out(begun.secret)

    assert await bench.store.get(BrowserLogin, hashed(begun.secret)) is None


async def test_the_page_for_the_second_factor_shows_what_an_app_reads(bench):
    begun = await bench.logins.sign_up(SignUp(organization_name="Shop", email=EMAIL, display_name="Ana"), PASSWORD)

    address, secret = await bench.logins.new_factor(begun.login)

    read = pyotp.parse_uri(address)
    assert (read.name, read.issuer, read.secret) == (EMAIL, "Borealis", secret)
