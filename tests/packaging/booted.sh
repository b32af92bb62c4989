# Runs inside a booted Debian: uses the units as an operator would, and writes what it sees, part by part.
PATH=/opt/coppice/current/bin:$PATH
trap 'journalctl --no-pager >/journal' EXIT
trap 'exit 1' TERM
operator="--endpoint tcp://127.0.0.1:5555"
part() { echo "== $1"; }
show() { systemctl show "$1" --property="$2" --value; }
# Polls for at most 60 s; says so if it was in vain.
wait_for() { n=0; until eval "$1"; do n=$((n + 1)); [ $n -lt 600 ] || { echo "not within 60 s: $1"; return 1; }; sleep 0.1; done; }

part start
systemctl enable --quiet coppice.target coppice-gateway coppice-worker
systemctl start coppice.target
systemctl is-active coppice-gateway coppice-worker
[ "$(systemctl is-active coppice-gateway)" = active ] || exit 1

part status
wait_for '[ -n "$(show coppice-gateway StatusText | grep "1 of 1 engine up")" ]'
show coppice-gateway StatusText
wait_for 'show coppice-worker StatusText | grep -q in.flight'
show coppice-worker StatusText
ls -l /run/coppice

part answer
coppice predict echo x=[1,2,3] $operator
coppice predict doubled x=[1,2,3] $operator

part engine
grep -E '^(Uid|CapEff|CapAmb|NoNewPrivs|Seccomp):' /proc/"$(pidof coppice-engine)"/status

part worker
grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/"$(show coppice-worker MainPID)"/status

part gateway
grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/"$(show coppice-gateway MainPID)"/status

part watchdog
before=$(show coppice-gateway MainPID)
kill -STOP "$before"
wait_for '[ "$(show coppice-gateway NRestarts)" = 1 ] && [ "$(systemctl is-active coppice-gateway)" = active ]'
show coppice-gateway NRestarts
journalctl --unit coppice-gateway --output cat | grep -o 'Watchdog timeout' | head -n 1
wait_for 'coppice predict echo x=[4] $operator >/dev/null 2>&1'
coppice predict echo x=[4,5] $operator

part drain
coppice predict sleep x=[1] --parameters '{"ms": 3000}' $operator &
asked=$!
wait_for 'show coppice-worker StatusText | grep -q "1 row in flight"'
systemctl stop coppice-worker
show coppice-worker Result
show coppice-worker ExecMainStatus
wait $asked && echo answered

part given_up
sed -i 's|^builtins:.*|builtins: [echo]\nengine_program: /bin/false\nrestart: {intensity: 0}|' /etc/coppice/worker.yml
systemctl start --no-block coppice-worker
wait_for '[ "$(show coppice-worker NRestarts)" -ge 2 ]'
journalctl --unit coppice-worker --output cat | grep -o 'status=75/TEMPFAIL' | head -n 1
systemctl stop coppice-worker

part wrong
echo 'no_such_key: 1' >>/etc/coppice/scheduler.yml
systemctl start coppice-scheduler
show coppice-scheduler ExecMainStatus
show coppice-scheduler NRestarts
systemctl is-failed coppice-scheduler

part credentials
mkdir -p /etc/credstore
echo 'ann: {password: secret}' >/etc/credstore/coppice.users.yml
chmod 600 /etc/credstore/coppice.users.yml
echo 'users_file: /run/credentials/coppice-gateway.service/users.yml' >>/etc/coppice/gateway.yml
systemctl restart coppice-gateway
systemctl is-active coppice-gateway
stat -c '%a %U %G' /run/credentials/coppice-gateway.service/users.yml
ls -l /run/credentials/coppice-gateway.service

part stop
systemctl stop coppice.target
wait_for '[ "$(systemctl is-active coppice-gateway)" = inactive ]'
systemctl is-active coppice-gateway
ls /run/coppice
part end
