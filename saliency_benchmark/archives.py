"""Archives and folders that strangers made: nothing in them reaches outside of them."""

import os
import stat
import zipfile
from pathlib import Path, PurePosixPath

from saliency_benchmark import artifacts

# A crate with all its files holds some hundred thousand at most.
MOST_FILES = 1_000_000


def inside(folder: str | Path, name: str) -> Path:
    """The file NAME below FOLDER. Raises ValueError where NAME leads elsewhere, by `..`, by a root, or by a link."""
    parts = PurePosixPath(name.replace("\\", "/"))
    drive = len(name) > 1 and name[1] == ":"
    if not name or "\0" in name or parts.is_absolute() or drive or ".." in parts.parts:
        raise ValueError(f"{name!r} leads out of its folder: it is not read")
    path = Path(folder) / parts
    if not path.resolve().is_relative_to(Path(folder).resolve()):
        raise ValueError(f"{name!r} leads out of its folder by a link: it is not read")
    return path


def unpack(archive: str | Path, folder: str | Path) -> None:
    """Put the files of the zip ARCHIVE into FOLDER. Raises ValueError where it is none or leads out of FOLDER."""
    try:
        with zipfile.ZipFile(archive) as file:
            members = file.infolist()
            if len(members) > MOST_FILES:
                raise ValueError(f"{archive} holds {len(members)} files; at most {MOST_FILES} are read")
            for member in members:
                if stat.S_ISLNK(member.external_attr >> 16):
                    raise ValueError(f"{archive}: {member.filename!r} is a link: it is not read")
                inside(folder, member.filename)
            if damaged := file.testzip():
                raise ValueError(f"{archive}: {damaged} is damaged; copy it again")
            file.extractall(folder, members)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{archive} is no whole zip file ({error})") from error


def pack(folder: str | Path, archive: str | Path) -> None:
    """All files of FOLDER as the zip ARCHIVE: the same files give the same bytes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            member = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            member.external_attr = 0o644 << 16
            member.compress_type = zipfile.ZIP_STORED if path.suffix == ".h5" else zipfile.ZIP_DEFLATED
            with path.open("rb") as source, file.open(member, "w", force_zip64=True) as target:
                while block := source.read(1 << 20):
                    target.write(block)


def links(folder: str | Path) -> list[str]:
    """Links below FOLDER that lead out of it."""
    root = Path(folder).resolve()
    found = (Path(where) / name for where, folders, names in os.walk(folder) for name in folders + names)
    return sorted(str(path) for path in found if path.is_symlink() and not path.resolve().is_relative_to(root))


def sources(path: str | Path) -> list[str]:
    """Other files that reading the file of arrays PATH would read: by links to them, or as parts of a virtual array.

    Raises ValueError where it is no such file, or holds what is no array.
    """
    with artifacts.opened(path) as file:
        links = {name: file.get(name, getlink=True) for name in file}
        found = {link.filename for link in links.values() if hasattr(link, "filename")}
        for array in (file[name] for name, link in links.items() if not hasattr(link, "path")):
            if not hasattr(array, "is_virtual"):
                raise ValueError(f"{path} holds {array.name}, which is no array")
            found |= {part.file_name for part in array.virtual_sources()} if array.is_virtual else set()
        return sorted(found - {"."})
