-- Whoever knows somebody's or a project's name alone looks for it in all domains.
CREATE INDEX identity_projects_everywhere ON identity_projects (name);
CREATE INDEX identity_users_everywhere ON identity_users ((COALESCE(display_name, name)));
