package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
)

// Quiesce asks every service of a fleet to finish what it is doing and to
// export what it has recorded, and returns their ledgers by name of service.
func Quiesce(ctx context.Context, fleet scenario.Fleet) ([]telemetry.Snapshot, error) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	services := slices.Sorted(maps.Keys(fleet.Admin))
	ledgers := make([]telemetry.Snapshot, len(services))
	errs := make([]error, len(services))
	var all sync.WaitGroup
	for i, service := range services {
		all.Go(func() {
			ledgers[i], errs[i] = quiesce(ctx, client, fleet.Admin[service])
			if errs[i] != nil {
				errs[i] = fmt.Errorf("quiesce %s: %w", service, errs[i])
			}
		})
	}
	all.Wait()
	return ledgers, errors.Join(errs...)
}

func quiesce(
	ctx context.Context, client *http.Client, admin string,
) (ledger telemetry.Snapshot, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, admin+"/quiesce", nil)
	if err != nil {
		return ledger, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return ledger, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
		return ledger, fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return ledger, json.NewDecoder(resp.Body).Decode(&ledger)
}
