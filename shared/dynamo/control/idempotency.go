package control

import (
	"context"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
)

// IdempotencyWindow is the time that an idempotency key is remembered.
const IdempotencyWindow = 24 * time.Hour

// Idempotency is the record of a request that carried an Idempotency-Key. It never holds a secret, so a replay can't
// return one.
type Idempotency struct {
	Operation string // "create", "rotate", "qps", "invite", "account"
	Subject   account.Subject
	Key       string    // as the header said; stored as its hash
	BodyHash  string    // of the request's body, so that another body under the same key is noticed
	At        time.Time // of the request
	Resource  string    // the ID of what the request made, or of the key that it rotated
	Version   int64     // the resource's version after it
}

// Replay says that the idempotency key was used before, and by which request. It is ErrReplay. The caller compares
// BodyHash: the same body replays the result, another is refused.
type Replay struct{ First Idempotency }

func (r *Replay) Error() string { return dynamo.ErrReplay.Error() }

// Is makes a Replay be ErrReplay.
func (r *Replay) Is(target error) bool { return target == dynamo.ErrReplay }

type idempotencyRecord struct {
	Operation string `dynamodbav:"operation"`
	Issuer    string `dynamodbav:"issuer"`
	Subject   string `dynamodbav:"subject"`
	BodyHash  string `dynamodbav:"body_hash"`
	At        string `dynamodbav:"requested_at"`
	Resource  string `dynamodbav:"resource"`
	Version   int64  `dynamodbav:"version"`
	TTL       int64  `dynamodbav:"ttl"`
}

// putIdempotency records a request, unless the same key was used in the last 24 hours. DynamoDB deletes expired
// records days late, so the end is part of the condition.
func (s *Store) putIdempotency(id account.ID, i Idempotency) op {
	item := encode(idempotencyKey(id, i.Operation, i.Subject, i.Key), "idempotency", idempotencyRecord{
		Operation: i.Operation, Issuer: i.Subject.Issuer, Subject: i.Subject.ID, BodyHash: i.BodyHash, At: moment.Format(i.At),
		Resource: i.Resource, Version: i.Version, TTL: i.At.Add(IdempotencyWindow).Unix(),
	}, "", "")
	return put(s.control, item, cond{
		text:   "attribute_not_exists(pk) OR #ttl <= :now",
		names:  map[string]string{"#ttl": "ttl"},
		values: dynamo.Item{":now": dynamo.N(i.At.Unix())},
	}, func(old dynamo.Item) error {
		first, err := decodeIdempotency(old)
		if err != nil {
			return err
		}
		first.Key = i.Key
		return &Replay{First: first}
	})
}

func decodeIdempotency(item dynamo.Item) (Idempotency, error) {
	var r idempotencyRecord
	if err := decode(item, "idempotency", &r); err != nil {
		return Idempotency{}, err
	}
	var c clock
	i := Idempotency{
		Operation: r.Operation, Subject: account.Subject{Issuer: r.Issuer, ID: r.Subject}, BodyHash: r.BodyHash,
		At: c.read(r.At), Resource: r.Resource, Version: r.Version,
	}
	return i, c.err
}

// remember is the write that records a request with what it made; none if it carried no Idempotency-Key. Of a transaction it comes
// first, so that a request that is sent again is that before anything else.
func (s *Store) remember(id account.ID, i *Idempotency, resource string, version int64) []op {
	if i == nil {
		return nil
	}
	record := *i
	if record.Resource == "" {
		record.Resource = resource
	}
	record.Version = version
	return []op{s.putIdempotency(id, record)}
}

// Remembered looks for an earlier request under the same idempotency key, of no account ("") where it opened one.
// ErrNotFound when there is none, or it is older than 24 hours.
func (s *Store) Remembered(ctx context.Context, id account.ID, operation string, who account.Subject, key string, now time.Time) (Idempotency, error) {
	item, err := s.get(ctx, idempotencyKey(id, operation, who, key))
	if err != nil {
		return Idempotency{}, err
	}
	if end, ok := dynamo.GetN(item, "ttl"); !ok || end <= now.Unix() {
		return Idempotency{}, dynamo.ErrNotFound
	}
	first, err := decodeIdempotency(item)
	first.Key = key
	return first, err
}
