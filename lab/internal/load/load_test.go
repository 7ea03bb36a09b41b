package load_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/lab/internal/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, cfg embedded.Config) (*embedded.Lab, load.Target) {
	t.Helper()
	lab, err := embedded.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := lab.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return lab, targetOf(lab)
}

func targetOf(lab *embedded.Lab) load.Target {
	return load.Target{
		Fleet: lab.Fleet(), Await: lab.Store.Await,
		Received: func(context.Context) ([]control.Arrived, error) {
			return control.Received(lab.Store), nil
		},
	}
}
