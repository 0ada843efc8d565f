"""Row 21: pictures that cost those who look at them."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from tests.pictures import ANIMATED, BROKEN, HIDDEN, HUGE, POLYGLOTS, data_url, picture

from .world import Person, World

ME = "/user-service/me"
MAX_SIDE = 1_024


def cases(pictures):
    return pytest.mark.parametrize(("kind", "data"), pictures.values(), ids=pictures.keys())


def upload(person: Person, kind: str, data: bytes):
    return person.http.patch(ME, json={"avatar": data_url(data, kind)})


def seen(viewer: Person, of: Person):
    return viewer.http.get(f"/user-service/users/{of.id}/avatar")


@cases(HUGE | BROKEN)
def test_row_21_what_is_too_large_or_no_picture_is_refused(mallory: Person, kind, data):
    refused = upload(mallory, kind, data)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert refused.json()["field"] == "avatar"
    assert seen(mallory, mallory).status_code == 404


def test_row_21_other_types_are_refused(mallory: Person):
    written = io.BytesIO()
    frames = [Image.new("P", (1, 1), n % 256) for n in range(2_000)]
    frames[0].save(written, "gif", save_all=True, append_images=frames[1:])
    for kind in ("gif", "svg+xml", "bmp", "tiff", "x-icon"):
        assert upload(mallory, kind, written.getvalue()[:20_000]).status_code == 400
    assert upload(mallory, "png", written.getvalue()[:20_000]).status_code == 400


@cases(ANIMATED | POLYGLOTS)
def test_row_21_only_the_still_picture_is_seen(world: World, kind, data):
    eve = Person(world, "eve")
    assert upload(eve, kind, data).status_code == 200
    answer = seen(world.alice, eve)
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"image/{kind}")
    assert b"script" not in answer.content
    shown = Image.open(io.BytesIO(answer.content))
    assert getattr(shown, "n_frames", 1) == 1
    assert max(shown.size) <= MAX_SIDE
    assert HIDDEN not in answer.content


def test_row_21_a_picture_of_before_is_not_shown_as_it_is(world: World):
    eve = Person(world, "eve")

    def store(content_type: str, data: bytes) -> None:
        stored = {"id": "0" * 32, "content_type": content_type, "data": data}
        with world.users_database() as database:
            database.users.update_one({"_id": eve.id}, {"$set": {"avatar": stored}})

    store("image/png", HUGE["png"][1])
    assert seen(world.alice, eve).status_code == 404
    assert eve.http.get(ME).json()["avatar_url"] == ""
    store("image/png", POLYGLOTS["html-behind"][1])
    for _ in range(2):
        answer = seen(world.alice, eve)
        assert answer.status_code == 200
        assert b"script" not in answer.content
    with world.users_database() as database:
        assert database.users.find_one({"_id": eve.id})["avatar"]["is_still"]


def test_row_21_many_pictures_at_once_leave_others_served(world: World):
    eve = Person(world, "eve")
    kinds = [("png", picture(side=n)) for n in range(900, 930)]
    with ThreadPoolExecutor(10) as threads:
        uploads = [threads.submit(upload, eve, kind, data) for kind, data in kinds]
        assert world.alice.http.get(ME).status_code == 200
        answers = {each.result().status_code for each in uploads}
    assert answers <= {200, 503}
    assert 200 in answers
