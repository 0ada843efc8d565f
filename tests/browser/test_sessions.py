"""What a session of somebody's own tells the others, and can do to them."""

from playwright.sync_api import expect


def test_a_login_elsewhere_is_told_at_once_and_ended_from_here(new_user, new_seat):
    alice = new_user("alice")
    here = new_seat(alice)
    toasts = here.page.get_by_role("region", name="New alerts")
    toast = toasts.get_by_role("listitem").filter(has_text="Chrome on Linux")
    expect(toast).to_have_count(0)

    there = new_seat(alice)
    expect(toast).to_have_count(1)
    toast.get_by_role("button", name="Yes, it was me").click()
    expect(toast).to_have_count(0)

    here.open("/settings/sessions")
    sessions = here.page.get_by_role("list", name="Sessions")
    # With the one that was begun when the account was made.
    expect(sessions.get_by_role("listitem")).to_have_count(3)
    there.expects_network_errors = True
    others = sessions.get_by_role("listitem").filter(has_text="Chrome")
    others.get_by_role("button", name="End session").click()
    expect(there.page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(there.page.get_by_text("You were logged out")).to_be_visible()
    expect(sessions.get_by_role("listitem")).to_have_count(2)
    expect(here.conversations).to_be_visible()


def test_that_was_not_me_ends_the_session_it_is_about(new_user, new_seat):
    alice = new_user("alice")
    here = new_seat(alice)
    there = new_seat(alice)
    there.expects_network_errors = True
    alerts = here.page.get_by_role("region", name="New alerts").get_by_role("listitem")
    alert = alerts.filter(has_text="Chrome on Linux")
    alert.get_by_role("button", name="It wasn't me").click()
    expect(there.page.get_by_text("You were logged out")).to_be_visible()


def test_a_wrong_password_is_told_where_it_is_typed_and_where_one_is_logged_in(new_user, new_seat):
    alice = new_user("alice")
    here, there = new_seat(alice), new_seat()
    there.expects_network_errors = True
    there.page.goto("/login")
    there.page.get_by_label("Email").fill(alice.email)
    there.page.get_by_label("Password", exact=True).fill("guessed by somebody")
    there.page.get_by_role("button", name="Log in").click()
    expect(there.page.get_by_role("alert")).to_contain_text("password")
    toasts = here.page.get_by_role("region", name="New alerts")
    expect(toasts).to_contain_text("Someone tried to log in as you")
