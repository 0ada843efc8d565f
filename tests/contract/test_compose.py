"""compose.yaml gives every container its share of the secrets, and no more."""

from pathlib import Path

import yaml

from chatterroom.auth.shares import SHARES

COMPOSE = yaml.safe_load((Path(__file__).parents[2] / "compose.yaml").read_text())
PLACE = "/run/chatterroom/secrets"


def test_every_holder_has_the_volume_that_its_share_is_put_into():
    containers = COMPOSE["services"]
    filled = {
        place.rpartition("/")[2]: volume
        for volume, place in (each.split(":") for each in containers["secrets"]["volumes"])
        if "/shares/" in place
    }
    assert set(filled) == set(SHARES) == set(containers) - {"secrets"}
    for holder, volume in filled.items():
        mounted = [each for each in containers[holder]["volumes"] if "secrets" in each]
        assert mounted == [f"{volume}:{PLACE}:ro"]
        assert volume == f"{holder}-secrets"


def test_the_image_has_a_directory_for_every_share():
    # A volume takes its owner from what the image has at its place.
    image = (Path(__file__).parents[2] / "Dockerfile").read_text()
    line = next(line for line in image.splitlines() if "for holder in" in line)
    assert set(line.partition(" in ")[2].partition(";")[0].split()) == set(SHARES)


def test_no_password_is_in_the_file():
    text = (Path(__file__).parents[2] / "compose.yaml").read_text()
    for line in text.splitlines():
        if "://" in line and "@" in line:
            user = line.partition("://")[2].partition("@")[0]
            assert ":" not in user, line
