"""What somebody changes about their account, and who sees it."""

from playwright.sync_api import expect

# So often a page that is open asks for the people it shows.
PEOPLE_AGAIN_MS = 180_000


def test_a_new_name_and_picture_reach_a_page_that_is_open_elsewhere(new_user, new_seat):
    alice, bob = new_user("alice"), new_user("bob")
    here, there = new_seat(alice), new_seat()
    there.page.clock.install()
    there.log_in(bob)
    there.open(f"/u/{alice.id}")
    header = there.page.get_by_role("main").locator("header")
    expect(header.get_by_role("heading")).to_have_text(alice.username)
    expect(header.locator("img")).to_have_count(0)

    here.open("/settings/profile")
    page = here.page
    picture = {"name": "view.png", "mimeType": "image/png", "buffer": page.screenshot()}
    page.get_by_label("Picture file").set_input_files(picture)
    expect(page.get_by_text("Picture saved.")).to_be_visible()
    page.get_by_label("Display name").fill("Alice Moreno")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()

    there.page.clock.fast_forward(PEOPLE_AGAIN_MS)
    expect(header.get_by_role("heading")).to_have_text("Alice Moreno")
    expect(header.locator("img")).to_have_js_property("naturalWidth", 128)


def test_a_new_password_takes_the_place_of_the_old_and_ends_the_session_elsewhere(
    new_user, new_seat
):
    alice = new_user("alice")
    here, there = new_seat(alice), new_seat(alice)
    here.expects_network_errors = there.expects_network_errors = True
    page = here.page
    here.open("/settings/password")
    current = page.get_by_label("Current password")
    current.fill("guessed by somebody")
    page.get_by_label("New password").fill("a kettle on the moon")
    page.get_by_role("button", name="Change password").click()
    expect(current).to_have_attribute("aria-invalid", "true")
    expect(there.conversations).to_be_visible()

    current.fill(alice.password)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Password changed.")).to_be_visible()
    expect(there.page.get_by_role("heading", name="Log in")).to_be_visible()
    there.give_password(alice)
    expect(there.page.get_by_role("alert")).to_contain_text("The email or password is wrong.")
    alice.password = "a kettle on the moon"
    there.log_in(alice)


def test_a_deleted_account_is_gone_for_its_owner_and_named_so_to_others(new_user, new_seat):
    alice, bob = new_user("alice"), new_user("bob")
    room_id = alice.create_room(bob, name="Kitchen")
    here, there = new_seat(alice), new_seat(bob)
    here.expects_network_errors = True
    here.open(f"/r/{room_id}")
    here.say("My last words")
    expect(here.message("My last words").get_by_role("img", name="Sent")).to_be_visible()

    page = here.page
    here.open("/settings/deletion")
    remove = page.get_by_role("button", name="Delete my account")
    page.get_by_label("Password").fill(alice.password)
    expect(remove).to_be_disabled()
    page.get_by_label("to confirm").fill(alice.username)
    remove.click()
    expect(page.get_by_text("Your account was deleted.")).to_be_visible()
    here.give_password(alice)
    expect(page.get_by_role("alert")).to_contain_text("The email or password is wrong.")

    there.page.goto(f"/r/{room_id}")
    expect(there.message("My last words")).to_contain_text("Deleted user")
    expect(there.page.get_by_role("main")).to_contain_text("1 member")
