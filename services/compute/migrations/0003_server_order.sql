-- Lists are in the order of creation and, where that is the same, of ids: without the ids in the index every page is
-- sorted. With the status in it, those of one status are found without reading the rows of all others.
DROP INDEX compute_servers_project;
DROP INDEX compute_servers_created;
CREATE INDEX compute_servers_project ON compute_servers (project_id, deleted_at, created_at, id, status);
CREATE INDEX compute_servers_created ON compute_servers (deleted_at, created_at, id, status);
