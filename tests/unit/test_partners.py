"""``partners.toml``: what is refused, in one line."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from features.errors import InputError
from serving.exchange.partners import NOBODY, PartnerFile, read_partners

GOOD = """agency = "border-force"
[[partner]]
name = "nca"
agency = "nca-uk"
partnership = "north-sea"
url = "https://nca.example/v1/exchange/events"
shares = ["outcomes"]
[[partner.key]]
public = "KEY"
valid_from = 2026-01-01T00:00:00Z
valid_until = 2027-01-01T00:00:00Z
""".replace("KEY", "ab" * 32)


def test_without_a_file_there_is_nobody(tmp_path: Path) -> None:
    assert read_partners(tmp_path) is NOBODY
    assert PartnerFile(tmp_path).now() is NOBODY


def test_what_it_says_is_read(tmp_path: Path) -> None:
    (tmp_path / "partners.toml").write_text(GOOD)
    found = read_partners(tmp_path)
    (partner,) = found.partners
    assert (found.source, partner.source) == (
        "urn:foreland:agency:border-force",
        "urn:foreland:agency:nca-uk",
    )
    assert found.by_source(partner.source) is found.named("nca") is partner
    assert found.by_source(found.source) is None
    (key,) = partner.key
    assert partner.key_of(key.verifying.key_id) is key
    assert partner.key_of("0" * 16) is None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('agency = "border-force"\n', "", "missing required field `agency`"),
        ('"border-force"', '"local"', "the name that your partners know you by"),
        ('"border-force"', '"nca-uk"', "agency 'nca-uk' is there twice"),
        ("[[partner]]", "[[partner]", "is no TOML"),
        ('name = "nca"', 'name = "NCA"', "cannot be named 'NCA'"),
        ('agency = "nca-uk"', 'agency = "n c a"', "cannot be the name of an agency"),
        ("https://nca", "http://nca", "is an https address"),
        ('"outcomes"', '"everything"', "shares"),
        ("shares", "share", "unknown field `share`"),
        ("ab" * 32, "ab", "public"),
        ("2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "not after its beginning"),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00", "valid_until"),
        ('shares = ["outcomes"]', 'handling = "hidden"', "handling"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert before in GOOD
    (tmp_path / "partners.toml").write_text(GOOD.replace(before, after, 1))
    with pytest.raises(InputError) as caught:
        read_partners(tmp_path)
    assert said in str(caught.value)


def test_the_example_of_the_documentation_can_be_followed(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "intelligence.md").read_text()
    blocks = re.findall(r"(?:^    .*\n)+", page, re.MULTILINE)
    toml = [block for block in blocks if "[[partner]]" in block or "[[subscriber]]" in block]
    text = dedent("".join(toml))
    text = re.sub(r'public = "64[^"]*"', f'public = "{"ab" * 32}"', text)
    (tmp_path / "partners.toml").write_text(text)
    found = read_partners(tmp_path)
    assert [one.name for one in found.recipients] == ["nca", "port-system"]


def test_a_name_is_there_once_among_partners_and_subscribers(tmp_path: Path) -> None:
    more = '[[subscriber]]\nname = "nca"\nagency = "port"\nurl = "https://port.example/news"\n'
    (tmp_path / "partners.toml").write_text(GOOD + more)
    with pytest.raises(InputError, match="name 'nca' is there twice"):
        read_partners(tmp_path)
