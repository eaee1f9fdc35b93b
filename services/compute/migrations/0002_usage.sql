-- What a project's servers take is summed from this alone at each create; their rows are long.
CREATE INDEX compute_servers_usage ON compute_servers (project_id, user_id, vcpus, memory_mib) WHERE deleted_at IS NULL;
