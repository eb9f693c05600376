"""A browser as far as pages without scripts need one: cookies, redirects, forms, and what browsers insist on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
import pyotp
from yarl import URL

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass
class Form:
    """A form of a page."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)
    """Value by text, of the one choice that it has."""


@dataclass
class Page:
    """What was loaded."""

    url: str
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def title(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.text)
        return found[1] if found else ""

    @property
    def fault(self) -> str:
        found = re.search(r'role="alert">(.*?)</p>', self.text, re.DOTALL)
        return found[1].strip() if found else ""

    @property
    def forms(self) -> list[Form]:
        parser = _Forms()
        parser.feed(self.text)
        return parser.forms

    def form(self, action: str) -> Form:
        (found,) = [form for form in self.forms if form.action == action][:1]
        return found


class Browser:
    """An async context manager."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self.codes: dict[str, str] = {}
        """Secret of the authenticator app, by address."""

    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls),
            cookie_jar=aiohttp.CookieJar(),
            timeout=aiohttp.ClientTimeout(total=20),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Page:
        """Load a page; redirects are followed up to an address that is not https."""
        return await self._load("GET", url, headers=headers)

    async def submit(self, page: Page, action: str, button: tuple[str, str] | None = None, **values: str) -> Page:
        """Send the form of the page that leads to `action`, with these values."""
        form = page.form(action)
        fields = form.fields | values | ({button[0]: button[1]} if button else {})
        url = urljoin(page.url, form.action)
        if form.method == "get":
            return await self.get(f"{url}?{urlencode(fields)}")
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin", "Referer": page.url}
        return await self._load("POST", url, fields=fields, headers=headers, targets=_form_targets(page))

    async def sign_up(self, issuer: str, email: str, password: str, *, organization: str = "Shop") -> Page:
        """Found an organization; the page after it."""
        page = await self.get(f"{issuer}/signup")
        page = await self.submit(
            page, "/signup", organization=organization, email=email, display_name="Ana Lopez", password=password
        )
        return await self.set_up(page, email)

    async def set_up(self, page: Page, email: str) -> Page:
        """Set up the second factor that the page shows."""
        found = re.search(r"into the app: <code>([A-Z2-7 ]+)</code>", page.text)
        assert found, page.text
        self.codes[email] = found[1].replace(" ", "")
        return await self.submit(page, "/login/code", code=pyotp.TOTP(self.codes[email]).now())

    async def log_in(self, page: Page, email: str, password: str, code: str) -> Page:
        """Go through the login that the page begins."""
        page = await self.submit(page, "/login", email=email, password=password)
        return await self.submit(page, "/login/code", code=code)

    def cookie(self, url: str, name: str) -> str:
        """Value of a cookie that would be sent to `url`; empty without one."""
        found = self.session.cookie_jar.filter_cookies(URL(url)).get(name)
        return found.value if found else ""

    async def _load(
        self,
        method: str,
        url: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        targets: str | None = None,
    ) -> Page:
        for _ in range(10):
            async with self.session.request(
                method, URL(url, encoded=True), data=fields, headers=headers, allow_redirects=False
            ) as response:
                text = await response.text()
                page = Page(url, response.status, dict(response.headers), text)
            if page.status not in _REDIRECTS:
                return page
            url, method, fields = urljoin(url, page.headers["Location"]), "GET", None
            if targets is not None:  # browsers hold redirects of forms to the policy of their page
                origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
                assert origin in targets, f"{origin} is not among the form's targets: {targets}"
            if not url.startswith("https://"):
                return Page(url, 0, {}, "")
        raise AssertionError(f"redirected again and again: {url}")


def _form_targets(page: Page) -> str | None:
    policy = page.headers.get("Content-Security-Policy", "")
    found = re.search(r"form-action ([^;]+)", policy)
    if not found:
        return None
    return found[1].replace("'self'", "{0.scheme}://{0.netloc}".format(urlsplit(page.url)))


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select = ""
        self._option = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(action=given.get("action", ""), method=given.get("method", "get")))
        elif tag == "input" and self.forms:
            self.forms[-1].fields[given.get("name", "")] = given.get("value", "")
        elif tag == "button" and self.forms:
            self.forms[-1].buttons.append((given.get("name", ""), given.get("value", "")))
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option":
            self._option = given["value"]
            if "selected" in given or self._select not in self.forms[-1].fields:
                self.forms[-1].fields[self._select] = self._option

    def handle_data(self, data: str) -> None:
        if self._option and data.strip():
            self.forms[-1].choices[data.strip()] = self._option
            self._option = ""
