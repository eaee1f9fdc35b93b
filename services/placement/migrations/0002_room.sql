-- How much of a provider is free, as one number: the scheduler looks at the roomiest providers first.
ALTER TABLE placement_providers ADD COLUMN room DOUBLE PRECISION NOT NULL DEFAULT 0;
UPDATE placement_providers SET room = COALESCE((
    SELECT SUM((CASE WHEN (i.total - i.reserved) * i.allocation_ratio - i.used < i.max_unit
                     THEN (i.total - i.reserved) * i.allocation_ratio - i.used ELSE i.max_unit END) / i.total
               * (CASE WHEN i.resource_class = 'DISK_GB' THEN 0.5 ELSE 1.0 END))
    FROM placement_inventories i
    WHERE i.provider_id = placement_providers.id AND i.total > 0
      AND i.resource_class IN ('VCPU', 'MEMORY_MB', 'DISK_GB')), 0);
CREATE INDEX placement_providers_room ON placement_providers (room DESC, name);
