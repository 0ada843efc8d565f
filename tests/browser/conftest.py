"""The web client in a real Chromium, served by a whole platform."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from tests.browser.people import Seat
from tests.system.conftest import Platform, User

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# The same engine without windows of its own, which take most of the time of a short test.
SHELLS = ("chromium-headless-shell",)
# Others use the machine at the same time.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def chromium() -> str:
    return found(PROGRAMS)


@pytest.fixture(scope="session")
def headless() -> str:
    return found((*SHELLS, *PROGRAMS))


def found(programs: tuple[str, ...]) -> str:
    program = next(filter(None, map(shutil.which, programs)), None)
    if program is None:
        pytest.skip("browser tests need Chromium on PATH (Debian: apt-get install chromium)")
    return program


# Not longer than these files: even an idle platform takes time from the tests of others.
@pytest.fixture(scope="package")
def platform(headless: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that all these tests share."""
    running = Platform(tmp_path_factory.mktemp("browser") / "data", users=1, chat=1)
    # Ten thousand messages are written before one of the tests.
    running.settings["CHATTERROOM_CHAT_MESSAGES_PER_S"] = "100000"
    running.start()
    yield running
    assert running.stop() == 0


# Not longer than these files: while Playwright is started, no other event loop can run.
@pytest.fixture(scope="package")
def browser(headless: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Containers give little shared memory, and a graphics card would be made of software.
        switches = ["disable-dev-shm-usage", "disable-gpu", "disable-software-rasterizer"]
        launched = playwright.chromium.launch(
            executable_path=headless, args=[f"--{switch}" for switch in switches]
        )
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def new_seat(browser: Browser, platform: Platform) -> Iterator[Callable[..., Seat]]:
    """Make a seat, logged in where a user is given; it is used by one file at most."""
    seats: list[Seat] = []

    def make(user: User | None = None, **options: object) -> Seat:
        seats.append(Seat(browser, platform.url, **options))
        if user is not None:
            seats[-1].log_in(user)
        return seats[-1]

    make.seats = seats
    yield make
    for seat in seats:
        seat.context.close()


@pytest.fixture(autouse=True)
def no_error_in_any_console(request: pytest.FixtureRequest, headless: str) -> Iterator[None]:
    """Fail a test that leaves an error: a thrown one, a logged one, one of the content policy."""
    new_seat = request.getfixturevalue("new_seat")
    yield
    for seat in new_seat.seats:
        errors, seat.errors = seat.errors, []
        assert errors == []


@pytest.fixture(scope="module")
def new_user(platform: Platform) -> Iterator[Callable[..., User]]:
    users: list[User] = []

    def make(name: str, display_name: str = "") -> User:
        user = User(platform, name)
        users.append(user)
        if display_name:
            answer = user.http.patch("/user-service/me", json={"display_name": display_name})
            assert answer.status_code == 200, answer.text
        return user

    yield make
    for user in users:
        user.http.close()
