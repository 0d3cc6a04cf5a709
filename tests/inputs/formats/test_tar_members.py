"""Members of whole, damaged and hostile tar files."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from beam_audio.errors import InputError
from beam_audio.inputs.formats.tar_members import TarDamage, TarMember, tar_members
from beam_audio.store.tar_member import TarMemberFile

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTENTS = [bytes([number]) * size for number, size in enumerate((700, 1, 512, 0, 3000, 1500), 1)]


def member(name: str, size_bytes: int) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size = size_bytes
    return made


def packed(contents: Sequence[bytes] = CONTENTS, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar file with members called 0, 1, 2 …"""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for number, content in enumerate(contents):
            tar.addfile(member(f"{number}.wav", len(content)), io.BytesIO(content))
    return file.getvalue()


def found(tar: bytes) -> list[TarMember | TarDamage]:
    return list(tar_members(io.BytesIO(tar), len(tar)))


def contents(tar: bytes) -> dict[str, bytes]:
    """What the members that can be read hold."""
    return {
        each.name: tar[each.start_byte : each.start_byte + each.size_bytes]
        for each in found(tar)
        if isinstance(each, TarMember) and not each.problem
    }


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_where_they_are_found(form: int) -> None:
    tar = packed(form=form)
    assert contents(tar) == {f"{number}.wav": each for number, each in enumerate(CONTENTS)}
    assert len(found(tar)) == len(CONTENTS)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize(
    "name", ["d/" * 200 + "a.wav", "Ä 声.wav", "../../etc/a.wav", "/abs/a.wav"]
)
def test_long_foreign_and_odd_names_are_kept(form: int, name: str) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        tar.addfile(member(name, 3), io.BytesIO(b"abc"))
    assert contents(file.getvalue()) == {name: b"abc"}


def test_names_that_are_not_unicode_can_be_written_all_the_same() -> None:
    tar = bytearray(packed([b"abc"], tarfile.USTAR_FORMAT))
    tar[0:1] = b"\xff"
    tar[148:156] = b"%06o\0 " % (256 + sum(tar[:148]) + sum(tar[156:512]))
    assert contents(bytes(tar)) == {"\\xff.wav": b"abc"}


def test_two_tar_files_joined_are_read_as_one() -> None:
    both = packed([b"a"]) + packed([b"b"]).replace(b"0.wav", b"1.wav")
    names = {each.name for each in found(both) if isinstance(each, TarMember)}
    assert "0.wav" in names
    assert len(found(both)) == 2


def test_links_devices_and_folders() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, kind in (
            ("folder", tarfile.DIRTYPE),
            ("link.wav", tarfile.SYMTYPE),
            ("hard.wav", tarfile.LNKTYPE),
            ("pipe.wav", tarfile.FIFOTYPE),
            ("device.wav", tarfile.BLKTYPE),
        ):
            made = member(name, 0)
            made.type, made.linkname = kind, "/etc/passwd"
            tar.addfile(made)
        tar.addfile(member("a.wav", 1), io.BytesIO(b"x"))
    problems = {each.name: each.problem for each in found(file.getvalue()) if each.problem}  # type: ignore[union-attr] # members all
    assert list(problems) == ["link.wav", "hard.wav", "pipe.wav", "device.wav"]
    assert "link to '/etc/passwd'" in problems["link.wav"]
    assert contents(file.getvalue()) == {"a.wav": b"x"}


def test_a_cut_file_costs_its_last_member() -> None:
    tar = packed([b"a" * 1000, b"b" * 1000])
    cut = tar[: 512 + 1024 + 512 + 300]
    assert contents(cut) == {"0.wav": b"a" * 1000}
    (last,) = (each for each in found(cut) if isinstance(each, TarMember) and each.problem)
    assert (last.name, "shard ends after 300" in last.problem) == ("1.wav", True)


def with_size(tar: bytes, header_byte: int, size_bytes: int) -> bytes:
    """The same file, with another size and a right checksum in a header."""
    header = bytearray(tar[header_byte : header_byte + 512])
    header[124:136] = b"%011o\0" % size_bytes
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    return tar[:header_byte] + bytes(header) + tar[header_byte + 512 :]


@pytest.mark.parametrize("size_bytes", [0o77777777777, 100_000, 2_000, 1, 0])
def test_a_member_whose_size_lies_costs_itself(size_bytes: int) -> None:
    honest = packed([b"a" * 700, b"b" * 900, b"c" * 400], tarfile.USTAR_FORMAT)
    lying = with_size(honest, 0, size_bytes)
    assert {"1.wav": b"b" * 900, "2.wav": b"c" * 400}.items() <= contents(lying).items()
    others = [each for each in found(lying) if isinstance(each, TarDamage) or each.problem]
    assert len(others) == 1


def test_a_header_that_claims_to_be_huge_is_not_read() -> None:
    huge = bytearray(packed([b"a"], tarfile.USTAR_FORMAT))
    huge[156:157] = b"x"
    lying = with_size(bytes(huge), 0, (1 << 33) - 1) + packed([b"b" * 10])
    assert contents(lying) == {"0.wav": b"b" * 10}


def test_what_is_no_tar_file_is_one_damage() -> None:
    assert found(b"no tar file" * 500) == [TarDamage(0, 5500)]
    assert found(b"") == []
    assert found(b"\0" * 10_240) == []


DAMAGES = st.tuples(
    st.sampled_from(["cut", "overwritten", "blocks lost", "blocks gained"]),
    st.integers(0, 15_000),
    st.binary(min_size=1, max_size=600),
)


def damaged(kind: str, place: int, junk: bytes) -> bytes:
    """A tar file that was cut, overwritten, or lost or gained blocks."""
    tar = bytearray(packed(form=tarfile.USTAR_FORMAT))
    block = place // 512 * 512
    match kind:
        case "cut":
            del tar[place:]
        case "overwritten":
            tar[place : place + len(junk)] = junk
        case "blocks lost":
            del tar[block : block + (1 + len(junk) % 3) * 512]
        case _:
            tar[block:block] = junk.ljust(1024, b"\1")
    return bytes(tar)


def entries() -> dict[str, bytes]:
    """Header and data of each member, as they are in the undamaged file."""
    whole = packed(form=tarfile.USTAR_FORMAT)
    return {
        each.name: whole[each.start_byte - 512 : each.start_byte + -(-each.size_bytes // 512) * 512]
        for each in found(whole)
        if isinstance(each, TarMember)
    }


@given(damage=DAMAGES)
@example(damage=("blocks lost", 512, b"12"))
@example(damage=("blocks lost", 2048, b"1"))
def test_a_member_that_is_whole_is_found_whatever_is_damaged_around_it(
    damage: tuple[str, int, bytes],
) -> None:
    tar = damaged(*damage)
    readable: dict[str, bytes] = {}
    refused = [range(0)]
    for each in found(tar):
        if isinstance(each, TarMember) and not each.problem:
            try:
                with TarMemberFile(io.BytesIO(tar), each.start_byte, each.size_bytes) as file:
                    readable[each.name] = file.read()
            except InputError:
                refused.append(range(each.start_byte, each.start_byte + each.size_bytes))
    for name, entry in entries().items():
        place = tar.find(entry)
        if place >= 0 and place % 512 == 0:
            is_hidden = any(place in each for each in refused)
            assert is_hidden or readable.get(name) == CONTENTS[int(name[0])]
