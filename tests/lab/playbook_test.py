from pathlib import Path

from tests.lab.playbook import Played, Recap, recap_in

TOLD = """
PLAY [Reach the hosts] *********************************************************

TASK [PLAY RECAP of a task's own] **********************************************
changed: [gateway-1]
worker-1                   : ok=9    changed=9    unreachable=9    failed=9    skipped=9    rescued=9    ignored=9   

PLAY RECAP *********************************************************************
gateway-1                  : ok=3    changed=2    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0   
worker-1                   : ok=1    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0   
10.77.0.31                 : ok=4    changed=1    unreachable=0    failed=1    skipped=0    rescued=2    ignored=3   
"""


def test_the_recap_has_the_counts_of_every_host():
    assert recap_in(TOLD) == {"gateway-1": Recap(3, 2, 0, 0, 1, 0, 0), "worker-1": Recap(1, 0, 1, 0, 0, 0, 0),
                              "10.77.0.31": Recap(4, 1, 0, 1, 0, 2, 3)}


def test_a_playbook_that_never_began_has_no_recap():
    assert recap_in("ERROR! the playbook: no-such.yml could not be found\n") == {}


def test_changes_are_those_of_all_hosts_and_each_count_names_its_hosts():
    played = Played(0, 1.0, recap_in(TOLD), Path("log"))
    assert played.changed == 3
    assert played.hosts("unreachable") == ["worker-1"]
    assert played.hosts("rescued") == ["10.77.0.31"]
