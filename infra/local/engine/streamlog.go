package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// retention is the time that DynamoDB keeps stream records.
const retention = 24 * time.Hour

// TrimStreamLog deletes stream records older than 24 hours and indexes the rest. dynoxide does neither, and each streamed
// write and each read of a stream costs it about half a millisecond per thousand records. The engine must not be running.
//
// The newest record of each table stays, however old: the next sequence number is counted from it.
func TrimStreamLog(ctx context.Context, file string, now time.Time) (deleted int64, err error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	dsn := url.URL{Scheme: "file", Opaque: url.PathEscape(file), RawQuery: "_pragma=busy_timeout(5000)&mode=rw"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var tables int
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_stream_records'").Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	if _, err := db.ExecContext(ctx, "CREATE INDEX IF NOT EXISTS _latchkey_stream ON _stream_records(table_name, CAST(sequence_number AS INTEGER))"); err != nil {
		return 0, fmt.Errorf("index: %w", err)
	}
	res, err := db.ExecContext(ctx, `DELETE FROM _stream_records WHERE created_at < ?
		AND id NOT IN (SELECT max(id) FROM _stream_records GROUP BY table_name)`, now.Add(-retention).Unix())
	if err != nil {
		return 0, fmt.Errorf("trim: %w", err)
	}
	return res.RowsAffected()
}
