CREATE TABLE placement_providers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    generation BIGINT NOT NULL,          -- rises with every change of what the provider has or gives
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX placement_providers_name ON placement_providers (name);

CREATE TABLE placement_inventories (
    provider_id TEXT NOT NULL,
    resource_class TEXT NOT NULL,
    total BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    min_unit BIGINT NOT NULL,
    max_unit BIGINT NOT NULL,
    step_size BIGINT NOT NULL,
    allocation_ratio DOUBLE PRECISION NOT NULL,
    used BIGINT NOT NULL,                -- counted in the transaction of each claim and release
    PRIMARY KEY (provider_id, resource_class)
);

CREATE TABLE placement_traits (
    provider_id TEXT NOT NULL,
    trait TEXT NOT NULL,
    PRIMARY KEY (provider_id, trait)
);

CREATE TABLE placement_allocations (
    consumer_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    resource_class TEXT NOT NULL,
    used BIGINT NOT NULL,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    consumer_generation BIGINT NOT NULL,
    PRIMARY KEY (consumer_id, provider_id, resource_class)
);
CREATE INDEX placement_allocations_provider ON placement_allocations (provider_id);
CREATE INDEX placement_allocations_project ON placement_allocations (project_id);
