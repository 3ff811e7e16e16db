"""A backup compared with what the official Python package exports, object by object: an oracle that is not ours.

Usage: compare_backup.py REPOSITORY FORMAT, with DATABRICKS_HOST and DATABRICKS_TOKEN.
"""

import hashlib
import json
import subprocess
import sys

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import ExportFormat, ObjectType

KEPT = {ObjectType.NOTEBOOK, ObjectType.FILE, ObjectType.DASHBOARD}


def git(repository, *args):
    return subprocess.run(["git", "--git-dir", repository, *args], check=True, stdout=subprocess.PIPE).stdout


def manifest(repository):
    lines = {}
    names = git(repository, "ls-tree", "-r", "-z", "--name-only", "main", ".lakeferry/manifest/").decode().split("\0")
    for name in filter(None, names):
        for line in git(repository, "show", f"main:{name}").decode().rstrip("\n").split("\n"):
            entry = json.loads(line)
            if entry["path"] in lines:
                raise SystemExit(f"{entry['path']} is in the manifest twice")
            lines[entry["path"]] = entry
    return lines


def main():
    repository, form = sys.argv[1:3]
    workspace = WorkspaceClient(auth_type="pat").workspace
    entries = manifest(repository)
    tree = {}
    for line in git(repository, "ls-tree", "-r", "-z", "main").decode("utf-8", "surrogateescape").split("\0"):
        if line:
            facts, path = line.split("\t", 1)
            tree[path] = facts.split()[2]
    objects = [o for o in workspace.list("/", recursive=True) if o.object_type in KEPT]
    wrong = []
    for o in objects:
        entry = entries.pop(o.path.lstrip("/"), None)
        if entry is None:
            wrong.append(f"{o.path}: not in the backup")
            continue
        notebook = o.object_type is ObjectType.NOTEBOOK
        exported = workspace.download(o.path, format=ExportFormat[form] if notebook else ExportFormat.AUTO).read()
        backed_up = git(repository, "cat-file", "blob", tree[entry["file"]])
        if backed_up != exported:
            wrong.append(f"{o.path}: differs")
        if hashlib.sha256(exported).hexdigest() != entry["sha256"]:
            wrong.append(f"{o.path}: another sha256 than the manifest's")
    wrong += [f"{path}: not in the workspace" for path in entries]
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(f"ok {len(objects)} objects equal as {form}")


if __name__ == "__main__":
    main()
