package drystone

import (
	"net/http"
	"strings"
	"testing"
)

func TestACloudForTests(t *testing.T) {
	cloud, err := Up()
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Down()
	id, err := cloud.Fault(map[string]any{"service": "network"}, map[string]any{"kind": "status", "status": 503})
	if err != nil || id == "" {
		t.Fatalf("no fault %q: %v", id, err)
	}
	token, err := cloud.Token()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cloud.call(token, http.MethodGet, "/network/v2.0/networks", nil, nil); err == nil || !strings.Contains(err.Error(), "503") {
		t.Fatalf("the fault does not show: %v", err)
	}
	if err := cloud.Reset(); err != nil {
		t.Fatal(err)
	}
	token, err = cloud.Token()
	if err != nil {
		t.Fatal(err)
	}
	var networks struct {
		Networks []struct {
			Name string `json:"name"`
		} `json:"networks"`
	}
	if _, err := cloud.call(token, http.MethodGet, "/network/v2.0/networks", nil, &networks); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	if cloud, err := Up("--hosts", "0"); err == nil {
		cloud.Down()
		t.Fatal("no hosts, and no error")
	} else if !strings.Contains(err.Error(), "0 hosts") {
		t.Fatal(err)
	}
}
