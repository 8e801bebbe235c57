// A vCenter for tests: VMware's own simulator (govmomi's package "simulator"), with a site of our making in it, and with
// troubles on request. It listens on the loopback only, prints one line of JSON with its address, and ends when its standard
// input does: a test that is killed leaves nothing behind.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// What stands in a site file, and what a test may send to /failback/site while the simulator runs.
type site struct {
	Datastores []datastore `json:"datastores"`
	Hosts      []host      `json:"hosts"`
	Machines   []machine   `json:"machines"`
	Trouble    *trouble    `json:"trouble"`
}

type datastore struct {
	Is         string            `json:"is"` // its name in the model
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	CapacityGB int64             `json:"capacity_gb"`
	FreeGB     int64             `json:"free_gb"`
	Accessible *bool             `json:"accessible"`
	Access     map[string]string `json:"access"` // host to readWrite, readOnly or lost
}

type host struct {
	Is          string `json:"is"`
	Version     string `json:"version"`
	Connection  string `json:"connection"`
	Maintenance *bool  `json:"maintenance"`
	MemoryGB    int64  `json:"memory_gb"`
	UsedMB      int32  `json:"used_mb"`
}

type machine struct {
	Is         string `json:"is"`
	Name       string `json:"name"`
	UUID       string `json:"uuid"`
	Host       string `json:"host"`
	Power      string `json:"power"`
	Connection string `json:"connection"`
	Firmware   string `json:"firmware"`
	SecureBoot *bool  `json:"secure_boot"`
	EnableUUID *bool  `json:"enable_uuid"`
	Tools      string `json:"tools"`
	Booted     string `json:"booted"`
	Snapshots  int    `json:"snapshots"` // each the child of the one before
	Disks      []disk `json:"disks"`
	Controller string `json:"controller"`
	MemoryGB   *int32 `json:"memory_gb"`
}

type disk struct {
	Kind      string `json:"kind"` // flat, sesparse, rdm-physical, rdm-virtual
	SizeGB    int64  `json:"size_gb"`
	Datastore string `json:"datastore"`
}

// What goes wrong with the next requests, after letting some through.
type trouble struct {
	After    int  `json:"after"`
	Requests int  `json:"requests"`
	Status   int  `json:"status"`   // answer with this status
	Drop     bool `json:"drop"`     // close the connection
	DelayMS  int  `json:"delay_ms"` // answer late
	Forget   bool `json:"forget"`   // the session is not known any more
}

const gib = int64(1) << 30

var (
	lock    sync.Mutex
	present trouble
)

func named(kind, name string) (mo.Entity, error) {
	for _, entity := range simulator.Map.All(kind) {
		if entity.Entity().Name == name {
			return entity, nil
		}
	}
	return nil, fmt.Errorf("there is no %s %q", kind, name)
}

func (d datastore) apply() error {
	entity, err := named("Datastore", d.Is)
	if err != nil {
		return err
	}
	store := entity.(*simulator.Datastore)
	summary := store.Summary
	if d.Type != "" {
		summary.Type = d.Type
	}
	if d.CapacityGB > 0 {
		summary.Capacity = d.CapacityGB * gib
		summary.FreeSpace = d.FreeGB * gib
	}
	if d.Accessible != nil {
		summary.Accessible = *d.Accessible
	}
	changes := []types.PropertyChange{}
	if d.Name != "" {
		summary.Name = d.Name
		changes = append(changes, types.PropertyChange{Name: "name", Val: d.Name})
	}
	changes = append(changes, types.PropertyChange{Name: "summary", Val: summary})
	if d.Access != nil {
		mounts := []types.DatastoreHostMount{}
		for name, how := range d.Access {
			entity, err := named("HostSystem", name)
			if err != nil {
				return err
			}
			mounted, accessible, mode := true, how != "lost", how
			if !accessible {
				mode = "readWrite"
			}
			info := types.HostMountInfo{Path: summary.Url, AccessMode: mode, Mounted: &mounted, Accessible: &accessible}
			mounts = append(mounts, types.DatastoreHostMount{Key: entity.Reference(), MountInfo: info})
		}
		changes = append(changes, types.PropertyChange{Name: "host", Val: mounts})
	}
	simulator.Map.WithLock(store, func() { simulator.Map.Update(store, changes) })
	return nil
}

func (h host) apply() error {
	entity, err := named("HostSystem", h.Is)
	if err != nil {
		return err
	}
	system := entity.(*simulator.HostSystem)
	simulator.Map.WithLock(system, func() {
		runtime := system.Runtime
		if h.Connection != "" {
			runtime.ConnectionState = types.HostSystemConnectionState(h.Connection)
		}
		if h.Maintenance != nil {
			runtime.InMaintenanceMode = *h.Maintenance
		}
		if h.Version != "" && system.Summary.Config.Product != nil {
			product := *system.Summary.Config.Product // the model's hosts share one
			product.Version = h.Version
			system.Summary.Config.Product = &product
		}
		if h.MemoryGB > 0 && system.Summary.Hardware != nil {
			hardware := *system.Summary.Hardware
			hardware.MemorySize = h.MemoryGB * gib
			system.Summary.Hardware = &hardware
			system.Summary.QuickStats.OverallMemoryUsage = h.UsedMB
		}
		simulator.Map.Update(system, []types.PropertyChange{{Name: "runtime", Val: runtime}})
	})
	return nil
}

func (m machine) apply() error {
	entity, err := named("VirtualMachine", m.Is)
	if err != nil {
		return err
	}
	vm := entity.(*simulator.VirtualMachine)
	simulator.Map.WithLock(vm, func() {
		changes := []types.PropertyChange{}
		set := func(name string, value types.AnyType) {
			changes = append(changes, types.PropertyChange{Name: name, Val: value})
		}
		if m.Name != "" {
			set("name", m.Name)
			set("config.name", m.Name)
		}
		if m.UUID != "" {
			set("config.uuid", m.UUID)
		}
		if m.Power != "" {
			set("runtime.powerState", types.VirtualMachinePowerState(m.Power))
		}
		if m.Connection != "" {
			set("runtime.connectionState", types.VirtualMachineConnectionState(m.Connection))
		}
		if m.Firmware != "" {
			set("config.firmware", m.Firmware)
		}
		if m.SecureBoot != nil {
			set("config.bootOptions", &types.VirtualMachineBootOptions{EfiSecureBootEnabled: m.SecureBoot})
		}
		if m.EnableUUID != nil {
			flags := vm.Config.Flags
			flags.DiskUuidEnabled = m.EnableUUID
			set("config.flags", flags)
		}
		if m.Tools != "" {
			set("guest.toolsRunningStatus", m.Tools)
		}
		if m.Booted != "" {
			at, failed := time.Parse(time.RFC3339, m.Booted)
			if err = failed; err == nil {
				set("runtime.bootTime", &at)
			}
		}
		if m.MemoryGB != nil {
			set("config.hardware.memoryMB", *m.MemoryGB*1024)
		}
		if m.Host != "" {
			target, failed := named("HostSystem", m.Host)
			if err = failed; err != nil {
				return
			}
			to := target.(*simulator.HostSystem)
			if from, ok := simulator.Map.Get(*vm.Runtime.Host).(*simulator.HostSystem); ok {
				simulator.Map.RemoveReference(from, &from.Vm, vm.Self)
			}
			simulator.Map.AppendReference(to, &to.Vm, vm.Self)
			set("runtime.host", to.Self)
		}
		if m.Snapshots > 0 {
			set("snapshot", snapshots(vm.Self, m.Snapshots))
		}
		if m.Disks != nil {
			var devices []types.BaseVirtualDevice
			if devices, err = m.devices(vm); err != nil {
				return
			}
			set("config.hardware.device", devices)
			if len(m.Disks) > 0 {
				set("config.files.vmPathName", fmt.Sprintf("[%s] %s/%s.vmx", m.Disks[0].Datastore, vm.Name, vm.Name))
			}
		}
		simulator.Map.Update(vm, changes)
	})
	return err
}

func snapshots(vm types.ManagedObjectReference, count int) *types.VirtualMachineSnapshotInfo {
	var tree []types.VirtualMachineSnapshotTree
	for number := count; number > 0; number-- {
		reference := types.ManagedObjectReference{Type: "VirtualMachineSnapshot", Value: fmt.Sprintf("snapshot-%d", number)}
		tree = []types.VirtualMachineSnapshotTree{{Snapshot: reference, Vm: vm, Name: fmt.Sprint(number), State: "poweredOff", ChildSnapshotList: tree}}
	}
	return &types.VirtualMachineSnapshotInfo{RootSnapshotList: tree}
}

func (m machine) devices(vm *simulator.VirtualMachine) ([]types.BaseVirtualDevice, error) {
	var devices []types.BaseVirtualDevice
	controller := int32(1000)
	base := types.VirtualSCSIController{SharedBus: "noSharing", VirtualController: types.VirtualController{VirtualDevice: types.VirtualDevice{Key: controller}}}
	switch m.Controller {
	case "pvscsi":
		devices = append(devices, &types.ParaVirtualSCSIController{VirtualSCSIController: base})
	case "lsilogic":
		devices = append(devices, &types.VirtualLsiLogicController{VirtualSCSIController: base})
	default:
		devices = append(devices, &types.VirtualLsiLogicSASController{VirtualSCSIController: base})
	}
	for number, disk := range m.Disks {
		backing, err := disk.backing(vm.Name, number)
		if err != nil {
			return nil, err
		}
		unit := int32(number)
		devices = append(devices, &types.VirtualDisk{
			VirtualDevice: types.VirtualDevice{
				Key: 2000 + int32(number), ControllerKey: controller, UnitNumber: &unit, Backing: backing,
				DeviceInfo: &types.Description{Label: fmt.Sprintf("Hard disk %d", number+1)},
			},
			CapacityInKB: disk.SizeGB << 20, CapacityInBytes: disk.SizeGB * gib,
		})
	}
	return devices, nil
}

func (d disk) backing(vm string, number int) (types.BaseVirtualDeviceBackingInfo, error) {
	entity, err := named("Datastore", d.Datastore)
	if err != nil {
		return nil, err
	}
	reference := entity.Reference()
	file := types.VirtualDeviceFileBackingInfo{FileName: fmt.Sprintf("[%s] %s/%s_%d.vmdk", d.Datastore, vm, vm, number), Datastore: &reference}
	switch d.Kind {
	case "flat":
		return &types.VirtualDiskFlatVer2BackingInfo{VirtualDeviceFileBackingInfo: file, DiskMode: "persistent"}, nil
	case "sesparse":
		return &types.VirtualDiskSeSparseBackingInfo{VirtualDeviceFileBackingInfo: file, DiskMode: "persistent"}, nil
	case "rdm-physical", "rdm-virtual":
		mode := map[string]string{"rdm-physical": "physicalMode", "rdm-virtual": "virtualMode"}[d.Kind]
		return &types.VirtualDiskRawDiskMappingVer1BackingInfo{VirtualDeviceFileBackingInfo: file, LunUuid: fmt.Sprintf("0200%030d", number), CompatibilityMode: mode}, nil
	}
	return nil, fmt.Errorf("there is no kind of disk %q", d.Kind)
}

func (s site) apply() error {
	for _, datastore := range s.Datastores {
		if err := datastore.apply(); err != nil {
			return err
		}
	}
	for _, host := range s.Hosts {
		if err := host.apply(); err != nil {
			return err
		}
	}
	for _, machine := range s.Machines {
		if err := machine.apply(); err != nil {
			return err
		}
	}
	if s.Trouble != nil {
		lock.Lock()
		present = *s.Trouble
		lock.Unlock()
	}
	return nil
}

// Takes the trouble that the next request is in for.
func next() trouble {
	lock.Lock()
	defer lock.Unlock()
	if present.After > 0 {
		present.After--
		return trouble{}
	}
	if present.Requests == 0 {
		return trouble{}
	}
	present.Requests--
	return present
}

func read(from io.Reader) (site, error) {
	var read site
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&read)
	return read, err
}

func guarded(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, asked *http.Request) {
		if asked.URL.Path == "/failback/site" {
			change, err := read(asked.Body)
			if err == nil {
				err = change.apply()
			}
			if err != nil {
				http.Error(answer, err.Error(), http.StatusBadRequest)
				return
			}
			answer.WriteHeader(http.StatusNoContent)
			return
		}
		trouble := next()
		time.Sleep(time.Duration(trouble.DelayMS) * time.Millisecond)
		if trouble.Drop {
			panic(http.ErrAbortHandler)
		}
		if trouble.Status != 0 {
			answer.Header().Set("Retry-After", "7")
			http.Error(answer, "trouble", trouble.Status)
			return
		}
		if trouble.Forget {
			asked.Header.Del("Cookie")
		}
		inner.ServeHTTP(answer, asked)
	})
}

// Returns a certificate for 127.0.0.1 and that of the authority which issued it: the simulator's own key is too short for
// clients of today.
func certificates() (tls.Certificate, []byte, error) {
	var none tls.Certificate
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	authority.Subject.CommonName = "failback's tests"
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: authority.NotBefore, NotAfter: authority.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	leaf.Subject.CommonName = "vcsim"
	issuer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, nil, err
	}
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, &issuer.PublicKey, issuer)
	if err != nil {
		return none, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, issuer)
	if err != nil {
		return none, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, root, nil
}

func run() error {
	model := simulator.VPX()
	path := flag.String("site", "", "file that describes the site")
	user := flag.String("user", "failback@vsphere.local", "user that may log in")
	password := flag.String("password", "secret", "the user's password")
	flag.IntVar(&model.Machine, "machines", 4, "virtual machines")
	flag.Parse()
	model.ClusterHost, model.Host, model.Datastore, model.Cluster = 3, 0, 3, 1
	if err := model.Create(); err != nil {
		return err
	}
	defer model.Remove()
	if *path != "" {
		text, err := os.ReadFile(*path)
		if err != nil {
			return err
		}
		described, err := read(bytes.NewReader(text))
		if err == nil {
			err = described.apply()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", *path, err)
		}
	}
	inner := http.NewServeMux()
	model.Service.RegisterEndpoints = true
	model.Service.Listen = &url.URL{Host: "127.0.0.1:0", User: url.UserPassword(*user, *password)}
	certificate, root, err := certificates()
	if err != nil {
		return err
	}
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	model.Service.ServeMux = inner
	server := model.Service.NewServer()
	defer server.Close()
	server.Config.Handler = guarded(inner)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	address := *server.URL
	address.User = nil // the password is none of the address's
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root})
	line, err := json.Marshal(map[string]string{"url": address.String(), "authority": string(authority)})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
