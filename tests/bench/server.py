"""A PostgreSQL server of its own on a host, where no agent starts it."""

from host import PORT, Host, wait_until

SETTINGS = """
listen_addresses = '{address}'
port = {port}
unix_socket_directories = ''
jit = off
wal_level = replica
hot_standby = on
max_wal_senders = 10
max_replication_slots = 10
"""

ACCESS = "host all all 127.0.0.0/8 trust\nhost replication all 127.0.0.0/8 trust\n"


def make(host: Host, settings: str) -> None:
    """Makes a new one, with more settings."""
    initdb = host.software.postgres("initdb")
    host.run(initdb, "-D", host.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--data-checksums")
    with open(host.data / "postgresql.conf", "a") as file:
        file.write(SETTINGS.format(address=host.address, port=PORT) + settings)
    host.write("data/pg_hba.conf", ACCESS)


def start(host: Host) -> None:
    """Starts it and waits until it answers."""
    # The address is the host's, also where the settings were copied from another one.
    host.start("postgres", host.software.postgres("postgres"), "-D", host.data, "-h", host.address)
    wait_until(f"{host.name}'s PostgreSQL answers", lambda: host.psql("select 1", within=3) == "1", 60)


def streams(standby: Host) -> bool:
    """Whether a standby receives the primary's log. The primary's own view would count a base backup as one."""
    return standby.psql("select count(*) from pg_stat_wal_receiver where status = 'streaming'") == "1"
