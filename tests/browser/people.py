"""Somebody in front of a browser, and what they see and do there."""

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from tests.system.conftest import User

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
# What the browser itself says about calls that fail on purpose: without a network, to a service
# that is being killed, and with a password that is wrong.
NETWORK = ("Failed to load resource:", "WebSocket connection to ")
# A violation tells on itself in the console, which no test may leave with an error.
TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile }) =>
  console.error(`content policy: ${violatedDirective} ${blockedURI} ${sourceFile}`));
"""


class Seat:
    """A browser of its own: cookies, storage and network are shared with no other seat.

    Where a context is given, it is used instead of a new one, and has no base URL.
    """

    def __init__(
        self, browser: Browser, url: str, context: BrowserContext | None = None, **options: object
    ) -> None:
        self.url = url
        self.is_touch = bool(options.get("has_touch"))
        self.context = context or browser.new_context(
            **{"base_url": url, "viewport": DESKTOP, "reduced_motion": "reduce", **options}
        )
        self.context.add_init_script(TELL_VIOLATIONS)
        self.errors: list[str] = []
        self.expects_network_errors = False
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.errors.append(f"thrown: {error}"))
        self.page.on("dialog", self._refuse)

    def _hear(self, message) -> None:
        is_network = message.text.startswith(NETWORK)
        if message.type == "error" and not (is_network and self.expects_network_errors):
            self.errors.append(f"{message.text} ({message.location['url']})")

    def _refuse(self, dialog) -> None:
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def log_in(self, user: User) -> None:
        self.page.goto(f"{self.url}/login")
        self.give_password(user)
        expect(self.conversations).to_be_visible()

    def give_password(self, user: User) -> None:
        """Fill in and send the form of the login, which is in sight."""
        self.page.get_by_label("Email").fill(user.email)
        self.page.get_by_label("Password", exact=True).fill(user.password)
        self.page.get_by_role("button", name="Log in").click()

    def log_out(self) -> None:
        self.page.get_by_role("button", name="your account").click()
        self.page.get_by_role("menuitem", name="Log out").click()
        expect(self.page.get_by_role("heading", name="Log in")).to_be_visible()

    def open(self, path: str) -> None:
        """Go elsewhere in the page that is open, as a link of it would."""
        self.page.evaluate("path => history.pushState(null, '', path)", path)

    @property
    def conversations(self) -> Locator:
        return self.page.get_by_role("navigation", name="Conversations")

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log", name="Messages")

    @property
    def unsent(self) -> Locator:
        """The marks of messages that are still on their way."""
        return self.log.get_by_role("img", name="Sending")

    def start_room(self) -> Locator:
        """Open the dialog that creates a room."""
        self.page.get_by_role("button", name="New conversation").click()
        self.page.get_by_role("menuitem", name="Create a room").click()
        return self.page.get_by_role("dialog", name="Create a room")

    def message(self, text: str) -> Locator:
        return self.log.get_by_role("article").filter(has_text=text)

    def say(self, text: str) -> None:
        self.composer.fill(text)
        if self.is_touch:
            # Enter makes a new line there.
            self.page.get_by_role("button", name="Send", exact=True).click()
        else:
            self.composer.press("Enter")

    def act(self, text: str, action: str) -> None:
        """Choose from the menu of a message, once it is stored."""
        stored = self.page.locator(":not([data-state])")
        self.message(text).and_(stored).click(button="right")
        self.page.get_by_role("menu", name="Message").get_by_role(
            "menuitem", name=action, exact=True
        ).click()

    def texts(self) -> list[str]:
        """Return the texts of the messages in sight, in their order."""
        return self.log.locator("article p[dir=auto]").all_inner_texts()
