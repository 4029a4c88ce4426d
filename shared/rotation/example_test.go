package rotation_test

import (
	"errors"
	"fmt"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/rotation"
)

// A rotation puts a new secret in force and lets the old one live on through a grace period, so that programs can change
// over. All else of the key stays as it is.
func ExampleRotate() {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	key := apikey.Key{ID: "key_1", Current: apikey.StoredSecret{Preview: "ak_7Kf2…x9Qd"}}
	twoHours := int64(7200)
	grace, err := rotation.ParseGrace(&twoHours, rotation.Other)
	if err != nil {
		fmt.Println(err)
		return
	}
	rotated, err := rotation.Rotate(key, apikey.StoredSecret{Preview: "ak_M3pa…0Tzr"}, grace, rotation.Scheduled, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("in force:", rotated.Current.Preview)
	fmt.Println("accepted until", rotated.Outgoing.EndsAt.Format(time.TimeOnly)+":", rotated.Outgoing.Preview)

	_, err = rotation.Rotate(rotated, apikey.StoredSecret{Preview: "ak_b0Qx…K8sw"}, grace, rotation.Other, now)
	fmt.Println("another one meanwhile is refused:", errors.Is(err, rotation.ErrInProgress))
	ended, err := rotation.End(rotated, now) // which makes room for the next
	fmt.Println("still running after its end:", rotation.Running(ended, now), err)
	// Output:
	// in force: ak_M3pa…0Tzr
	// accepted until 14:00:00: ak_7Kf2…x9Qd
	// another one meanwhile is refused: true
	// still running after its end: false <nil>
}
