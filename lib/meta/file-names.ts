// Files of `meta/`; apart from what opens them, which loads SQLite.

export const META_NAME = 'monitor.db'
/** What MetaStore.copy makes. */
export const COPY_NAME = 'monitor.db.new'
