"""The templates of the monitoring role, filled in as Ansible does: its defaults, its inventory's hosts and groups."""
import json

import jinja2
import yaml

from tests.monitoring.role_files import ROLE

DEFAULTS = yaml.safe_load((ROLE / "defaults/main.yml").read_text())


def render(template, **variables):
    # As Ansible sets it up: no empty line after a block; unknown names are mistakes.
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(ROLE / "templates"), trim_blocks=True,
                                     keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    environment.filters["to_json"] = json.dumps
    return environment.get_template(template).render(DEFAULTS | {"inventory_hostname": "monitor"} | variables)


def write_configuration(folder, groups, hostvars, **variables):
    """What the role lays down, below `folder`. Returns the path of prometheus.yml."""
    settings = variables | {"monitoring_config_dir": str(folder / "coppice")}
    (folder / "coppice/targets").mkdir(parents=True)
    (folder / "coppice/rules").mkdir()
    for path in (ROLE / "files/rules").glob("*.yml"):
        (folder / "coppice/rules" / path.name).write_bytes(path.read_bytes())
    for job in DEFAULTS["monitoring_jobs"]:
        text = render("targets.yml.j2", item=job, groups=groups, hostvars=hostvars, **settings)
        (folder / "coppice/targets" / f"{job['name']}.yml").write_text(text)
    file = folder / "prometheus.yml"
    file.write_text(render("prometheus.yml.j2", **settings))
    return file
