-- The host that joined first is asked for in every round.
CREATE INDEX network_hosts_first ON network_hosts (first_seen, name);
