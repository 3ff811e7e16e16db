"""The sandbox against the official Python package `databricks-sdk`.

Usage: databricks_sdk_workspace.py URL TOKEN [CLIENT_ID CLIENT_SECRET]
or by DATABRICKS_HOST, DATABRICKS_TOKEN, DATABRICKS_CLIENT_ID, DATABRICKS_CLIENT_SECRET.
Works below /sdk-interop and leaves nothing there. Exits non-zero at the first thing that is not as documented.
"""

import base64
import io
import json
import os
import sys
import zipfile

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    ResourceAlreadyExists,
    Unauthenticated,
)
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language, ObjectType

BASE = "/sdk-interop"
SOURCE = "# Databricks notebook source\nprint('é')\n\n# COMMAND ----------\n\n# MAGIC %md\n# MAGIC # Title\n".encode()
CHANGED = SOURCE.replace(b"print", b"x = 1\nprint")
FILE = bytes(range(256)) * 40
HOSTILE = ["100% done", "%41", "two  spaces", "a+b&c=d#e?f", "it's | \"x\"", "back\\slash", "日本語 🚀", "cafe\u0301", "trailing. "]


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def refused(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f"{call.__name__}{args} was not refused with {kind.__name__}")


def write_and_read_back(w):
    ws = w.workspace
    ws.mkdirs(f"{BASE}/deep/folder")
    ws.mkdirs(f"{BASE}/deep/folder")
    ws.import_(f"{BASE}/nb", content=base64.b64encode(SOURCE).decode(), format=ImportFormat.SOURCE, language=Language.PYTHON)
    expect(base64.b64decode(ws.export(f"{BASE}/nb").content) == SOURCE, "export gives the imported bytes back")
    expect(ws.download(f"{BASE}/nb").read() == SOURCE, "download gives the imported bytes back")
    status = ws.get_status(f"{BASE}/nb")
    expect(status.object_type is ObjectType.NOTEBOOK and status.language is Language.PYTHON, "a Python notebook")
    expect(status.modified_at and status.object_id and status.resource_id == str(status.object_id), "ids and times")

    ws.upload(f"{BASE}/deep/data.bin", io.BytesIO(FILE), format=ImportFormat.AUTO)
    expect(ws.get_status(f"{BASE}/deep/data.bin").size == len(FILE), "a FILE has its size")
    expect(ws.download(f"{BASE}/deep/data.bin").read() == FILE, "a FILE comes back byte by byte")
    ws.upload(f"{BASE}/deep/folder/query.sql", b"-- Databricks notebook source\nSELECT 1\n", format=ImportFormat.AUTO)
    expect(ws.get_status(f"{BASE}/deep/folder/query").language is Language.SQL, "AUTO strips the extension of a notebook")
    ws.upload(f"{BASE}/nb", CHANGED, format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True)
    expect(ws.download(f"{BASE}/nb").read() == CHANGED, "overwrite replaces")
    expect(ws.get_status(f"{BASE}/nb").object_id == status.object_id, "overwrite keeps the object id")

    jupyter = json.loads(ws.download(f"{BASE}/nb", format=ExportFormat.JUPYTER).read())
    expect([c["cell_type"] for c in jupyter["cells"]] == ["code", "markdown"], "Jupyter cells")
    ws.upload(f"{BASE}/again", json.dumps(jupyter).encode(), format=ImportFormat.JUPYTER)
    expect(json.loads(ws.download(f"{BASE}/again", format=ExportFormat.JUPYTER).read()) == jupyter, "Jupyter comes back")
    for name in HOSTILE:
        ws.upload(f"{BASE}/{name}", SOURCE, format=ImportFormat.SOURCE, language=Language.PYTHON)
        expect(ws.download(f"{BASE}/{name}").read() == SOURCE, f"the name {name!r}")


def list_and_archive(w):
    ws = w.workspace
    listed = {o.path: o.object_type for o in ws.list(BASE, recursive=True)}
    wanted = {f"{BASE}/nb", f"{BASE}/again", f"{BASE}/deep/data.bin", f"{BASE}/deep/folder/query"}
    expect(set(listed) == wanted | {f"{BASE}/{name}" for name in HOSTILE}, f"recursive list: {sorted(listed)}")
    expect(len(list(ws.list(f"{BASE}/nb"))) == 1, "listing an object gives the object")

    archive = zipfile.ZipFile(io.BytesIO(ws.download(f"{BASE}/deep", format=ExportFormat.DBC).read()))
    expect(archive.testzip() is None, "the archive is sound")
    expect(archive.namelist() == ["deep/folder/query.sql"], f"archive: {archive.namelist()}")
    expect(json.loads(archive.read("deep/folder/query.sql"))["version"] == "NotebookV1", "NotebookV1")
    whole = zipfile.ZipFile(io.BytesIO(ws.download(BASE, format=ExportFormat.AUTO).read()))
    expect(whole.testzip() is None and len(whole.namelist()) >= len(HOSTILE) + 3, "the whole directory")
    one = ws.download(f"{BASE}/nb", format=ExportFormat.DBC).read()
    ws.upload(f"{BASE}/from_dbc", one, format=ImportFormat.DBC)
    expect(ws.download(f"{BASE}/from_dbc").read() == CHANGED, "a notebook imported from DBC")


def refusals(w):
    ws = w.workspace
    refused(NotFound, ws.get_status, f"{BASE}/missing")
    refused(NotFound, lambda: list(ws.list(f"{BASE}/missing")))
    refused(NotFound, ws.export, f"{BASE}/missing")
    refused(NotFound, ws.upload, f"{BASE}/no/parent", SOURCE, format=ImportFormat.SOURCE, language=Language.PYTHON)
    refused(ResourceAlreadyExists, ws.import_, f"{BASE}/nb", content="eA==", format=ImportFormat.SOURCE, language=Language.R)
    refused(InvalidParameterValue, ws.import_, f"{BASE}/y", content="eA==", format=ImportFormat.SOURCE)
    refused(InvalidParameterValue, ws.export, f"{BASE}/deep", format=ExportFormat.JUPYTER)
    error = refused(BadRequest, ws.delete, f"{BASE}/deep")
    expect("not empty" in str(error), f"delete without recursive: {error}")
    big = base64.b64encode(b"x" * (10 * 1024 * 1024 + 1)).decode()
    error = refused(BadRequest, ws.import_, f"{BASE}/big", content=big, format=ImportFormat.RAW)
    expect(error.error_code == "MAX_NOTEBOOK_SIZE_EXCEEDED", f"too large: {error.error_code}")


def main():
    given = sys.argv[1:] + [None] * 4
    env = os.environ.get
    url, token = given[0] or env("DATABRICKS_HOST"), given[1] or env("DATABRICKS_TOKEN")
    client_id, secret = given[2] or env("DATABRICKS_CLIENT_ID"), given[3] or env("DATABRICKS_CLIENT_SECRET")
    for name in [n for n in os.environ if n.startswith("DATABRICKS_")]:
        del os.environ[name]
    clients = [("token", WorkspaceClient(host=url, token=token, auth_type="pat"))]
    if client_id:
        clients.append(("oauth-m2m", WorkspaceClient(host=url, client_id=client_id, client_secret=secret, auth_type="oauth-m2m")))
    for name, w in clients:
        try:
            expect("@" in w.current_user.me().user_name, "the current user")
            write_and_read_back(w)
            list_and_archive(w)
            refusals(w)
        finally:
            w.workspace.delete(BASE, recursive=True)
        refused(NotFound, w.workspace.get_status, BASE)
        print(f"ok {name}")
    wrong = WorkspaceClient(host=url, token="wrong", auth_type="pat")
    refused((PermissionDenied, Unauthenticated), wrong.current_user.me)
    print("ok refused")


if __name__ == "__main__":
    main()
