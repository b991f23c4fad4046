"""Redaction: what goes, that it goes the same way everywhere, and that a second pass finds nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.quality.sampling.redact import Redactor, iban, luhn

PIECES = [
    "ada@example.com", "Ada@Example.com", "bob.b+x@mail.co.uk", "DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432",
    "4111 1111 1111 1111", "5500005555555559", "+49 170 1234567", "(030) 1234 5678", "555-123-4567",
    "sk-ant-api03-abcdefghijklmnop", "AKIAABCDEFGHIJKLMNOP", "password: hunter22", "Bearer abcdefghijklmnop0123",
    "<EMAIL_1>", "<CARD_2>", "12", "2027", "2026-11-22", " ", ",", "x", "@", "+", "-", "\n",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada@Example.com, ada@example.com, bob@x.co.uk!", "<EMAIL_1>, <EMAIL_1>, <EMAIL_2>!"),
        ("IBAN DE89 3704 0044 0532 0130 00 bitte zahlen", "IBAN <IBAN_1> bitte zahlen"),
        ("DE89370400440532013000 BIC COBADEFF", "<IBAN_1> BIC COBADEFF"),
        ("card 4111 1111 1111 1111 12/27", "card <CARD_1> 12/27"),
        ("123 2027 4111-1111-1111-1111", "123 2027 <CARD_1>"),
        ("378282246310005 and 3782 822463 10005", "<CARD_1> and <CARD_1>"),
        ("+49 (0)170 1234567, 555-123-4567", "<PHONE_1>, <PHONE_2>"),
        ("key sk-ant-api03-abcdefghijklmnop.", "key <SECRET_1>."),
        ('{"api_key": "0123456789abcdef"}', '{"api_key": "<SECRET_1>"}'),
        ("Authorization: Bearer abcdefghijklmnopqrst==", "Authorization: Bearer <SECRET_1>"),
        ("DB_PASSWORD=hunter2x", "DB_PASSWORD=<SECRET_1>"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MD", "AWS_SECRET_ACCESS_KEY=<SECRET_1>"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MD", "aws_secret_access_key = <SECRET_1>"),
        ('OPENAI_API_KEY="abc123def456"', 'OPENAI_API_KEY="<SECRET_1>"'),
        ("my_api_key: abc123def456", "my_api_key: <SECRET_1>"),
        ('{"dbPassword":"hunter2x"}', '{"dbPassword":"<SECRET_1>"}'),
        (r"{\"dbPassword\":\"hunter2x\"}", r"{\"dbPassword\":\"<SECRET_1>\"}"),
        ("accessToken: abc123def456, passwort: geheim1", "accessToken: <SECRET_1>, passwort: <SECRET_2>"),
        ("password=" + "x" * 3_000 + " end", "password=<SECRET_1> end"),
        ("postgres://bob:pw@db/x", "postgres://bob:<SECRET_1>@db/x"),
        ("postgres://bob:hunter2@db.example.com", "postgres://bob:<SECRET_1>@db.example.com"),
        ("hf_abcdefghijklmnopqrstuvwxyz1234", "<SECRET_1>"),
        ("call 415 555 2671", "call <PHONE_1>"),
        ("call me at 4155552671, or 415.555.2672", "call me at <PHONE_1>, or <PHONE_2>"),
        ("Phone number: 4155552671", "Phone number: <PHONE_1>"),
        ("tel 0044 20 7946 0958", "tel <PHONE_1>"),
        ("SSN 123-45-6789.", "SSN <SSN_1>."),
        ("mail üser@exämple.de, иван@пример.рф", "mail <EMAIL_1>, <EMAIL_2>"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "<SECRET_1>"),
    ],
)
def test_what_goes(text: str, expected: str) -> None:
    assert Redactor().redact(text) == expected


@pytest.mark.parametrize(
    "text",
    ["order 4111 1111 1111 1112", "2026-11-22T10:00:00+00:00", "on 22.11.2026", "v1.2.3", "3.14159265358979",
     "order 4155552671", "order number 4155552671", "tool call 4155552671", "invoice 0044207946", "id 20261123-4711",
     "2026-11-23T10:00:00Z 1763892000", "1763892000123", "version 10.15.7", "python 3.11.4", "EUR 415.55 2671",
     "415 pages, 555 words, 2671 signs", "12 415 555 2671", "415 555 2671 88", "000-12-3456", "SKU 123-456-78",
     "https://example.com:8080/a@b", "password: string", "max_tokens: 4096", "secret = false", "the token: 12",
     "tell 12345678", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "ratio 0.4155552671", "$4155552671", "1 000 000 000",
     "DE88370400440532013000", "total: 1,234,567.89", "a @ b", "9999 9999 9999 9999", "x" * 5_000],
)  # fmt: skip
def test_what_stays(text: str) -> None:
    assert Redactor().redact(text) == text


def test_one_value_has_one_placeholder_in_request_and_answer_and_keys() -> None:
    redactor = Redactor()
    request = {"messages": [{"content": "from ada@example.com"}], "ada@example.com": 1, "n": [5, None, True]}
    assert redactor.redact(request) == {
        "messages": [{"content": "from <EMAIL_1>"}],
        "<EMAIL_1>": 1,
        "n": [5, None, True],
    }
    assert redactor.redact("to ADA@example.com and eve@example.com") == "to <EMAIL_1> and <EMAIL_2>"
    assert redactor.counts == {"EMAIL": 2}


def test_a_placeholder_that_stood_in_the_text_is_nobodys() -> None:
    assert Redactor().redact("<EMAIL_1> wrote to ada@example.com") == "<EMAIL_1> wrote to <EMAIL_2>"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_redacting_twice_changes_nothing(text: str) -> None:
    redactor = Redactor()
    once = redactor.redact(text)
    assert redactor.redact(once) == once
    assert Redactor().redact(once) == once


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["ada@example.com", "bob@x.org", "4111 1111 1111 1111", "sk-abcdefghijklmnopqrst"]),
                min_size=1, max_size=8))  # fmt: skip
def test_equal_values_get_equal_placeholders_and_others_do_not(values: list[str]) -> None:
    placeholders = Redactor().redact(" ; ".join(values)).split(" ; ")
    assert len(set(placeholders)) == len(set(values))
    assert len({*zip(values, placeholders, strict=True)}) == len(set(values))
    assert not any(value in " ".join(placeholders) for value in values)


@pytest.mark.parametrize(
    "text", ["a" * 50_000, "1 " * 25_000, "123 " * 12_000, "a@" * 25_000, "ab12 " * 10_000, "-----BEGIN " * 5_000,
             "password=" * 5_000, "secret\\" * 8_000, "://a:" * 10_000, "phone " * 9_000, "call me at " * 5_000,
             "415 555 " * 7_000, "0044 " * 10_000, "a@ä." * 12_000, "123-45-" * 8_000, "_key=_key" * 6_000,
             "eyJaaaaaaaaa." * 4_000, "+1 " * 15_000],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_hostile_text_takes_no_longer_than_a_few_seconds(text: str) -> None:
    began = time.process_time()
    Redactor().redact(text)
    assert time.process_time() - began < 5


def test_check_digits_by_hand() -> None:
    # 79927398713 is the textbook Luhn number; padded to 13 digits by zeros in front its sum does not change
    assert luhn("0079927398713")
    assert not luhn("0079927398710")
    assert iban("GB82 WEST 1234 5698 7654 32")
    assert not iban("GB83 WEST 1234 5698 7654 32")
