"""Ledgers as older programs wrote them: dumps of what the revisions named here made of a run."""

VERSION_1 = """
BEGIN TRANSACTION;
CREATE TABLE events (
    event INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, run_id TEXT NOT NULL,
    shard TEXT, attempt INTEGER, from_state TEXT, to_state TEXT, detail TEXT NOT NULL
) STRICT;
INSERT INTO events VALUES(
    1,'2026-01-02T03:04:02.000000+00:00','old',NULL,NULL,NULL,'running','registered');
INSERT INTO events VALUES(
    2,'2026-01-02T03:04:04.000000+00:00','old','s0',1,'planned','intended','it''s there');
INSERT INTO events VALUES(
    3,'2026-01-02T03:04:06.000000+00:00','old','s0',1,'intended','submitted','it''s there');
INSERT INTO events VALUES(
    4,'2026-01-02T03:04:08.000000+00:00','old','s0',1,'submitted','done','it''s there');
INSERT INTO events VALUES(
    5,'2026-01-02T03:04:10.000000+00:00','old','s1',1,'planned','intended','');
CREATE TABLE jobs (
    run_id TEXT NOT NULL, shard TEXT NOT NULL, attempt INTEGER NOT NULL,
    point INTEGER NOT NULL, basis TEXT NOT NULL, shard_index INTEGER NOT NULL,
    shots INTEGER NOT NULL, seed INTEGER NOT NULL,
    state TEXT NOT NULL, changed TEXT NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (run_id, shard, attempt),
    FOREIGN KEY (run_id, point) REFERENCES points
) STRICT;
INSERT INTO jobs VALUES(
    'old','s0',1,0,'X',0,500,11,'done','2026-01-02T03:04:07.000000+00:00','it''s there');
INSERT INTO jobs VALUES(
    'old','s1',1,0,'X',1,500,12,'intended','2026-01-02T03:04:09.000000+00:00','');
CREATE TABLE points (
    run_id TEXT NOT NULL REFERENCES runs, point INTEGER NOT NULL, label TEXT NOT NULL,
    PRIMARY KEY (run_id, point)
) STRICT;
INSERT INTO points VALUES('old',0,'bare');
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT NOT NULL, state TEXT NOT NULL
) STRICT;
INSERT INTO runs VALUES('old','old','2026-01-02T03:04:05.000000+00:00','running');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('events',5);
COMMIT;
PRAGMA user_version = 1;
"""
"""Revision 45c212f: a run of shards of 500 shots; one is done, one was begun."""

VERSION_2 = """
BEGIN TRANSACTION;
CREATE TABLE events (
    event INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, run_id TEXT NOT NULL,
    shard TEXT, attempt INTEGER, from_state TEXT, to_state TEXT, detail TEXT NOT NULL
) STRICT;
INSERT INTO events VALUES(
    1,'2026-01-02T03:04:03.000000+00:00','old',NULL,NULL,NULL,'running','registered');
INSERT INTO events VALUES(
    2,'2026-01-02T03:04:05.000000+00:00','old','s0',1,'planned','intended','it''s there');
INSERT INTO events VALUES(
    3,'2026-01-02T03:04:07.000000+00:00','old','s0',1,'intended','submitted','it''s there');
INSERT INTO events VALUES(
    4,'2026-01-02T03:04:09.000000+00:00','old','s0',1,'submitted','done','it''s there');
INSERT INTO events VALUES(
    5,'2026-01-02T03:04:11.000000+00:00','old','s1',1,'planned','intended','');
CREATE TABLE jobs (
    run_id TEXT NOT NULL, shard TEXT NOT NULL, attempt INTEGER NOT NULL,
    point INTEGER NOT NULL, basis TEXT NOT NULL, shard_index INTEGER NOT NULL,
    shots INTEGER NOT NULL, seed INTEGER NOT NULL,
    state TEXT NOT NULL, changed TEXT NOT NULL, detail TEXT NOT NULL,
    first_shot INTEGER NOT NULL, gives TEXT NOT NULL, faults INTEGER,
    PRIMARY KEY (run_id, shard, attempt),
    FOREIGN KEY (run_id, point) REFERENCES points
) STRICT;
INSERT INTO jobs VALUES(
    'old','s0',1,0,'X',0,500,11,'done','2026-01-02T03:04:08.000000+00:00',
    'it''s there',0,'shots',NULL);
INSERT INTO jobs VALUES(
    'old','s1',1,0,'X',1,500,12,'intended','2026-01-02T03:04:10.000000+00:00','',500,'shots',NULL);
INSERT INTO jobs VALUES(
    'old','s2',1,0,'X',2,500,13,'planned','2026-01-02T03:04:02.000000+00:00','',1000,'counts',1);
CREATE TABLE points (
    run_id TEXT NOT NULL REFERENCES runs, point INTEGER NOT NULL, label TEXT NOT NULL,
    PRIMARY KEY (run_id, point)
) STRICT;
INSERT INTO points VALUES('old',0,'bare');
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT NOT NULL, state TEXT NOT NULL
) STRICT;
INSERT INTO runs VALUES('old','old','2026-01-02T03:04:05.000000+00:00','running');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('events',5);
COMMIT;
PRAGMA user_version = 2;
"""
"""Revision 1401f06: a run of shards of 500 shots; one is done, one was begun."""
