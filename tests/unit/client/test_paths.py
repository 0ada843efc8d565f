import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterroom.client.paths import segment


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_segment_stands_for_its_text_alone(text: str):
    path = f"/messages/{segment(text)}"
    url = httpx.URL(f"http://chat.example{path}")
    assert url.raw_path.decode() == path
    assert url.path == f"/messages/{text}"


@pytest.mark.parametrize("text", [".", "..", "%2e%2e", "a/b", "?", "#", "👍"])
def test_nothing_leaves_its_segment(text: str):
    assert segment(text).isascii()
    assert not set(segment(text)) & set("./?#")


def test_an_empty_id_is_refused():
    with pytest.raises(ValueError, match="empty"):
        segment("")
