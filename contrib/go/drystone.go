// Package drystone starts OpenStack clouds with simulated metal for tests. One file, no dependencies: copy it beside your
// tests.
//
//	cloud, err := drystone.Up()
//	defer cloud.Down()
//	// cloud.AuthURL and cloud.Password go to gophercloud.AuthOptions, or cloud.CloudsYAML to clientconfig
package drystone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Cloud is a cloud that runs in a directory of its own.
type Cloud struct {
	// AuthURL is where Keystone is found.
	AuthURL string
	// Password is that of the user admin, in the project admin of the domain default.
	Password string
	// CloudsYAML is the path of a clouds.yaml with the clouds drystone-admin and drystone.
	CloudsYAML string

	program, directory string
}

// Up starts a cloud. Arguments go to `drystone up`, as "--hosts", "20". The variable DRYSTONE names the program, if it is
// not on the path.
func Up(arguments ...string) (*Cloud, error) {
	program := os.Getenv("DRYSTONE")
	if program == "" {
		program = "drystone"
	}
	directory, err := os.MkdirTemp("", "drystone-")
	if err != nil {
		return nil, err
	}
	cloud := &Cloud{program: program, directory: directory, CloudsYAML: filepath.Join(directory, "clouds.yaml")}
	if err := cloud.start(arguments); err != nil {
		os.RemoveAll(directory)
		return nil, err
	}
	return cloud, nil
}

func (cloud *Cloud) start(arguments []string) error {
	up := []string{"up", "--detach", "--metal", "sim", "--state-dir", cloud.directory, "--listen", "127.0.0.1:0",
		"--output", "json"}
	said, err := exec.Command(cloud.program, append(up, arguments...)...).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return errors.New(strings.TrimSpace(string(failed.Stderr)))
	}
	if err != nil {
		return err
	}
	var ready struct {
		AuthURL string `json:"auth_url"`
	}
	if err := json.NewDecoder(bytes.NewReader(said)).Decode(&ready); err != nil {
		return err
	}
	cloud.AuthURL = ready.AuthURL
	text, err := os.ReadFile(filepath.Join(cloud.directory, "passwords.json"))
	if err != nil {
		return err
	}
	var passwords struct {
		Admin string `json:"admin"`
	}
	if err := json.Unmarshal(text, &passwords); err != nil {
		return err
	}
	cloud.Password = passwords.Admin
	return nil
}

// Down removes the cloud; nothing is left of it.
func (cloud *Cloud) Down() error {
	return exec.Command(cloud.program, "down", "--destroy", "--state-dir", cloud.directory).Run()
}

// Token is a new token of the administrator. Those from before a Reset are void.
func (cloud *Cloud) Token() (string, error) {
	domain := map[string]string{"id": "default"}
	user := map[string]any{"name": "admin", "domain": domain, "password": cloud.Password}
	body := map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": user}},
		"scope":    map[string]any{"project": map[string]any{"name": "admin", "domain": domain}},
	}}
	answer, err := cloud.call("", http.MethodPost, "/v3/auth/tokens", body, nil)
	if err != nil {
		return "", err
	}
	return answer.Get("X-Subject-Token"), nil
}

// Reset makes the cloud what it was in the beginning, and removes all faults.
func (cloud *Cloud) Reset() error {
	return cloud.Sim(http.MethodPost, "/reset", map[string]any{}, nil)
}

// Fault makes something go wrong from now on; it answers the fault's id.
func (cloud *Cloud) Fault(match, effect map[string]any) (string, error) {
	var made struct {
		Fault struct {
			ID string `json:"id"`
		} `json:"fault"`
	}
	body := map[string]any{"fault": map[string]any{"match": match, "effect": effect}}
	err := cloud.Sim(http.MethodPost, "/faults", body, &made)
	return made.Fault.ID, err
}

// Sim calls the simulation's own API.
func (cloud *Cloud) Sim(method, path string, body, into any) error {
	token, err := cloud.Token()
	if err != nil {
		return err
	}
	_, err = cloud.call(token, method, "/sim"+path, body, into)
	return err
}

func (cloud *Cloud) call(token, method, path string, body, into any) (http.Header, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(method, strings.TrimSuffix(cloud.AuthURL, "/v3")+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("X-Auth-Token", token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, said)
	}
	if into != nil {
		return answer.Header, json.Unmarshal(said, into)
	}
	return answer.Header, nil
}
