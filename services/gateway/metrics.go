package gateway

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/metric"

	"example.com/throughline/internal/shop"
)

// turnCounter counts turns by how their process is continued.
type turnCounter struct{ turns metric.Int64Counter }

func newTurnCounter(mp metric.MeterProvider) (turnCounter, error) {
	turns, err := mp.Meter(scope).Int64Counter(shop.WorkflowTurns{}.Name(),
		metric.WithUnit(shop.WorkflowTurns{}.Unit()),
		metric.WithDescription("Turns of workflows, by how their traces are continued."))
	if err != nil {
		return turnCounter{}, fmt.Errorf("gateway: metrics of turns: %w", err)
	}
	return turnCounter{turns: turns}, nil
}

// count runs inside of the SERVER span, which is the exemplar. A request that belongs to no
// workflow, or to one that is not known, is no turn.
func (c turnCounter) count(ctx context.Context, t turn) {
	if t.strategy == "" {
		return
	}
	c.turns.Add(ctx, 1, metric.WithAttributes(shop.ContinuationStrategy.String(t.strategy)))
}
