"""The pages on which people log in, as browsers see them; and what they do against those who misuse them."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
import pytest

from kit.browser import Browser

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "correct horse battery staple"
ASKED = {
    "response_type": "code",
    "client_id": "borealis-cli",
    "redirect_uri": "http://127.0.0.1:4000/callback",
    "scope": "openid",
    "state": "s",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


def authorize(site, **change):
    asked = {name: value for name, value in (ASKED | change).items() if value is not None}
    return f"{site.issuer}/oauth/authorize?{urlencode(asked)}"


async def test_a_person_signs_up_logs_out_and_in_again(site, browser):
    page = await browser.sign_up(site.issuer, "carl@other.example", PASSWORD, organization="Other")
    assert (page.path, page.title) == ("/account", "Ana Lopez")
    assert "Organization Admin" in page.text
    page = await browser.submit(page, "/logout")
    assert page.path == "/login"
    assert (await browser.get(f"{site.issuer}/account")).path == "/login"

    wanted = authorize(site)
    page = await browser.get(wanted)
    code = pyotp.TOTP(browser.codes["carl@other.example"]).at(int(time.time()), 1)
    page = await browser.log_in(page, "carl@other.example", PASSWORD, code)

    assert page.title == "Let a program act for you?"
    assert page.url == wanted


async def test_every_page_comes_with_strict_headers(site, ana):
    for path in (
        "/login",
        "/signup",
        "/device",
        "/account",
        "/invitations/x",
        authorize(site).removeprefix(site.issuer),
    ):
        page = await ana.get(site.issuer + path)
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "frame-ancestors 'none'" in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert "<script" not in page.text
        assert " style=" not in page.text


async def test_cookies_are_of_this_host_alone_and_out_of_reach_of_scripts(site, browser):
    async with browser.session.get(f"{site.issuer}/login") as response:
        cookies = response.headers.getall("Set-Cookie")

    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))
        assert "Domain" not in cookie


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
    ids=["other-origin", "no-origin", "cross-site", "same-site", "no-token"],
)
async def test_another_sites_forms_count_for_nothing(site, ana, headers):
    page = await ana.get(authorize(site))
    fields = page.form("/oauth/authorize/decision").fields | {"decision": "allow"}
    if not headers:
        fields = {name: value for name, value in fields.items() if name != "form_token"}

    async with ana.session.post(
        f"{site.issuer}/oauth/authorize/decision", data=fields, headers=headers, allow_redirects=False
    ) as response:
        assert response.status == 400
        assert "Location" not in response.headers


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"client_id": "nobody"}, "no public client"),
        ({"client_id": None}, "no public client"),
        ({"redirect_uri": "https://evil.example/callback"}, "redirect_uri"),
        ({"redirect_uri": "http://127.0.0.1:4000/callback/../x"}, "redirect_uri"),
        ({"redirect_uri": "http://127.0.0.1:4000@evil.example/callback"}, "redirect_uri"),
        ({"redirect_uri": "http://localhost:4000/callback"}, "redirect_uri"),
        ({"redirect_uri": None}, "redirect_uri"),
        ({"client_id": "borealis-console"}, "redirect_uri"),
    ],
)
async def test_a_request_of_an_unknown_program_or_to_a_strange_address_goes_nowhere(site, ana, change, text):
    page = await ana.get(authorize(site, **change))

    assert (page.status, page.title) == (400, "That did not work")
    assert text in page.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "eyJ"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"state": "x" * 3000}, "invalid_request"),
    ],
)
async def test_a_wrong_request_of_a_known_program_is_answered_where_it_can_be_seen(site, ana, change, error):
    page = await ana.get(authorize(site, **change))

    answer = parse_qs(urlsplit(page.url).query)
    assert page.url.startswith(ASKED["redirect_uri"])
    assert (answer["error"], answer["iss"]) == ([error], [site.issuer])
    assert answer["state"] == [change.get("state", "s")]


async def test_a_field_that_comes_twice_is_refused(site, ana):
    page = await ana.get(f"{authorize(site)}&redirect_uri=https%3A%2F%2Fevil.example")

    assert page.status == 400


async def test_refusing_gives_the_program_an_answer_and_nothing_else(site, ana):
    page = await ana.get(authorize(site))
    page = await ana.submit(page, "/oauth/authorize/decision", ("decision", "deny"))

    answer = parse_qs(urlsplit(page.url).query)
    assert (answer["error"], answer["state"]) == (["access_denied"], ["s"])
    assert "code" not in answer


async def test_what_the_form_says_is_checked_again(site, ana):
    page = await ana.get(authorize(site))

    changed = await ana.submit(
        page, "/oauth/authorize/decision", ("decision", "allow"), redirect_uri="https://evil.example/callback"
    )
    foreign = await ana.submit(page, "/oauth/authorize/decision", ("decision", "allow"), tenant="main")

    assert (changed.status, changed.title) == (400, "That did not work")
    assert (foreign.status, "tenant is none of yours" in foreign.text) == (400, True)


@pytest.mark.parametrize("prompt", [{"prompt": "login"}, {"max_age": "0"}])
async def test_a_program_can_want_a_fresh_login(site, browser, prompt):
    email = f"dora-{'-'.join(prompt)}@dora.example".replace("_", "-")
    await browser.sign_up(site.issuer, email, PASSWORD, organization="Dora")

    page = await browser.get(authorize(site, **prompt))

    assert page.path == "/login"
    assert "prompt" not in parse_qs(urlsplit(page.url).query)["next"][0]


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/account\n", "javascript:x", "/oauth/token", ""],
)
async def test_after_a_login_nobody_is_sent_elsewhere(site, ana, wanted):
    page = await ana.get(f"{site.issuer}/login?{urlencode({'next': wanted})}")

    assert (page.path, urlsplit(page.url).netloc) == ("/account", urlsplit(site.issuer).netloc)


async def test_nobody_learns_whether_an_address_is_known(site, browser):
    page = await browser.get(f"{site.issuer}/login")
    answers = [
        await browser.submit(page, "/login", email=email, password="wrong password here")
        for email in ("ana@shop.example", "nobody@shop.example")
    ]

    known, unknown = (re.sub(r'value="[^"]*"', "", answer.text) for answer in answers)
    assert known == unknown
    assert [answer.status for answer in answers] == [400, 400]


async def test_many_wrong_passwords_are_slowed_down_and_say_for_how_long(site, browser):
    page = await browser.get(f"{site.issuer}/login")
    answers = [
        await browser.submit(page, "/login", email="victim@shop.example", password="wrong password here")
        for _ in range(8)
    ]

    assert [answer.status for answer in answers] == [400] * 6 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) >= 1


async def test_codes_of_devices_cannot_be_tried_out(site, ana):
    page = await ana.get(f"{site.issuer}/device")
    answers = [await ana.submit(page, "/device", user_code=f"BCDF-GHJ{letter}") for letter in "KLMNPQRSTVWX"]

    assert "no such code" in answers[0].fault
    assert "too many tries" in answers[-1].fault


async def test_a_person_sees_and_ends_what_acts_for_them(site, browser, client):
    await browser.sign_up(site.issuer, "fred@fred.example", PASSWORD, organization="Fred")
    begun = await client.get("begin", scope="openid offline_access")
    page = await browser.get(begun["address"])
    back = await browser.submit(page, "/oauth/authorize/decision", ("decision", "allow"))
    tokens = await client.get("finish", address=back.url)

    page = await browser.get(f"{site.issuer}/account")
    assert "Borealis command line" in page.text
    await browser.submit(page, "/account/sessions")

    assert (await client.ask("refresh", token=tokens["refresh_token"]))["error"] == "invalid_grant"


async def test_another_password_logs_everything_else_out(site, browser, client):
    await browser.sign_up(site.issuer, "gus@gus.example", PASSWORD, organization="Gus")
    begun = await client.get("begin", scope="openid offline_access")
    page = await browser.get(begun["address"])
    back = await browser.submit(page, "/oauth/authorize/decision", ("decision", "allow"))
    tokens = await client.get("finish", address=back.url)
    page = await browser.get(f"{site.issuer}/account")

    wrong = await browser.submit(page, "/account/password", before="wrong", after="another long password here")
    assert "not the present password" in wrong.fault
    done = await browser.submit(page, "/account/password", before=PASSWORD, after="another long password here")

    assert done.title == "Done"
    assert (await client.ask("refresh", token=tokens["refresh_token"]))["error"] == "invalid_grant"


@pytest.mark.usefixtures("ana")
async def test_a_weak_password_and_a_taken_address_are_refused_where_they_stand(site, browser):
    page = await browser.get(f"{site.issuer}/signup")
    weak = await browser.submit(
        page, "/signup", organization="X", email="new@x.example", display_name="New", password="shop"
    )
    taken = await browser.submit(
        page, "/signup", organization="X", email="ana@shop.example", display_name="New", password=PASSWORD
    )

    assert "at least 12" in weak.fault
    assert taken.status == 400
    assert taken.fault
    assert 'value="new@x.example"' in weak.text


async def test_what_people_type_is_shown_as_text(site, browser):
    page = await browser.get(f"{site.issuer}/login")
    answer = await browser.submit(page, "/login", email='"><script>alert(1)</script>', password="x")

    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


async def test_ia_05_bob_logs_in_with_the_provider_of_his_organization(site, browser, client):
    begun = await client.get("begin", scope="openid email offline_access")
    page = await browser.get(begun["address"])
    page = await at_provider(browser, site, page, "bob")
    assert page.title == "Let a program act for you?", page.text
    back = await browser.submit(page, "/oauth/authorize/decision", ("decision", "allow"))
    tokens = await client.get("finish", address=back.url)

    caller = await site.caller(tokens["access_token"])
    assert caller.display_name == "Bob Builder"
    assert list(caller.roles) == ["Deployments Full Access"]
    account = await browser.get(f"{site.issuer}/account")
    assert "Change your password" not in account.text


def provider_link(site, page):
    (link,) = re.findall(r'href="(/login/with/acme[^"]*)"', page.text)
    return site.issuer + link.replace("&amp;", "&")


async def at_provider(browser, site, page, name):
    """Log in over there: with a name, then with a consent."""
    page = await browser.get(provider_link(site, page))
    assert page.url.startswith(site.provider), page.text
    page = await browser.submit(page, page.forms[0].action, login=name, password="x")
    return await browser.submit(page, page.forms[0].action)


async def test_an_address_that_the_provider_has_not_verified_does_not_count(site, browser):
    page = await browser.get(f"{site.issuer}/login")

    page = await at_provider(browser, site, page, "eve")

    assert "does not say that your e-mail address is yours" in page.fault.replace("&#39;", "'")


@pytest.mark.parametrize("change", ["state", "iss", "code", "browser"])
async def test_an_answer_of_the_provider_that_was_meddled_with_is_refused(site, browser, change):
    page = await browser.get(f"{site.issuer}/login")
    async with browser.session.get(provider_link(site, page), allow_redirects=False) as response:
        state = parse_qs(urlsplit(response.headers["Location"]).query)["state"][0]
    answer = {"state": state, "iss": site.provider, "code": "stolen"}
    if change in answer:
        answer[change] = "https://evil.example"
    async with Browser(site.tls) as other:
        await other.get(f"{site.issuer}/login")
        victim = other if change == "browser" else browser
        page = await victim.get(f"{site.issuer}/login/callback?{urlencode(answer)}")

    assert page.status == 400
    assert page.fault


async def test_ia_10_a_person_without_a_role_gets_in_and_is_told_who_can_help(site, browser):
    page = await browser.get(f"{site.issuer}/login")

    page = await at_provider(browser, site, page, "zoe")

    assert page.title == "Zoe"
    assert "you hold no role yet" in page.fault


async def test_an_unknown_invitation_is_none(site, browser):
    page = await browser.get(f"{site.issuer}/invitations/guess")

    assert page.status == 404
    assert "not good any more" in page.text
