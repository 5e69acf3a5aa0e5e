"""A thin client of the gRPC services, over code generated from the project's own contract."""

import time
from datetime import datetime, timedelta, timezone

import grpc
from rasterio.warp import transform_bounds

from pb import (
    catalog_pb2,
    dataformat_pb2,
    geocube_pb2_grpc,
    layouts_pb2,
    operations_pb2,
    records_pb2,
    variables_pb2,
)

from . import data

FIRST_DAY = datetime(2024, 1, 1, tzinfo=timezone.utc)
FORMAT = dataformat_pb2.DataFormat(
    dtype=dataformat_pb2.DataFormat.UInt16, no_data=data.NODATA, min_value=0, max_value=10000
)
NOT_COMPRESSED = -3
# at full resolution the dates of a block lie side by side; overviews follow, date by date
MUCOG = "Z=0>T>R>B;R>Z=1:>T>B"
NEAREST = variables_pb2.NEAR
FINAL_STATES = {"DONE", "FAILED", "DONEBUTUNTIDY", "CONSOLIDATIONFAILED", "INITIALISATIONFAILED"}


def channel(address: str) -> grpc.Channel:
    """A connection without a limit on what is received."""
    return grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])


class Client:
    """The calls that the measurements need."""

    def __init__(self, address: str):
        self._channel = channel(address)
        self.stub = geocube_pb2_grpc.GeocubeStub(self._channel)

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def create_aoi(self, bounds) -> str:
        """The footprint of bounds in metres."""
        west, south, east, north = transform_bounds(data.CRS, "EPSG:4326", *bounds, densify_pts=2)
        corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
        ring = records_pb2.LinearRing(points=[records_pb2.Coord(lon=x, lat=y) for x, y in corners])
        aoi = records_pb2.AOI(polygons=[records_pb2.Polygon(linearrings=[ring])])
        try:
            return self.stub.CreateAOI(records_pb2.CreateAOIRequest(aoi=aoi)).id
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.ALREADY_EXISTS:
                raise
            return error.details().rpartition(" ")[2]

    def create_records(self, records: records_pb2.CreateRecordsRequest) -> list[str]:
        """Ids of new records."""
        return list(self.stub.CreateRecords(records).ids)

    def create_instance(self, name: str) -> tuple[str, str]:
        """A variable of one band and its only instance: their ids."""
        variable = variables_pb2.Variable(name=name, bands=[""], dformat=FORMAT, resampling_alg=NEAREST)
        variable_id = self.stub.CreateVariable(variables_pb2.CreateVariableRequest(variable=variable)).id
        request = variables_pb2.InstantiateVariableRequest(variable_id=variable_id, instance_name="bench")
        return variable_id, self.stub.InstantiateVariable(request).instance.id

    def index_scenes(self, name: str, instance_id: str, scenes) -> list[str]:
        """One record a day for each scene, and its file indexed: ids of the records."""
        aois = {scene.bounds: self.create_aoi(scene.bounds) for scene in scenes}
        entries = [(name, day, aois[scene.bounds]) for day, scene in enumerate(scenes)]
        ids = self.create_records(new_records(entries))
        for scene, record_id in zip(scenes, ids):
            self.stub.IndexDatasets(index_request(str(scene.path), record_id, instance_id))
        return ids

    def cube(self, instance_id: str, record_ids, left: float, top: float, size: int) -> list[bytes]:
        """Raw pixels of the records that have any in a window, uncompressed on the way."""
        groups = [records_pb2.GroupedRecordIds(ids=[record_id]) for record_id in record_ids]
        request = catalog_pb2.GetCubeRequest(
            instances_id=[instance_id],
            grouped_records=records_pb2.GroupedRecordIdsList(records=groups),
            crs=data.CRS,
            pix_to_crs=layouts_pb2.GeoTransform(a=left, b=data.RESOLUTION_M, d=top, f=-data.RESOLUTION_M),
            size=layouts_pb2.Size(width=size, height=size),
            compression_level=NOT_COMPRESSED,
        )
        images: list[list[bytes]] = []
        for response in self.stub.GetCube(request):
            kind = response.WhichOneof("response")
            if kind == "header" and not response.header.error:
                images.append([response.header.data])
            elif kind == "chunk":
                images[-1].append(response.chunk.data)
        return [b"".join(parts) for parts in images]

    def configure_consolidation(self, variable_id: str) -> None:
        """Lossless files of the same values."""
        params = operations_pb2.ConsolidationParams(
            dformat=FORMAT,
            exponent=1,
            resampling_alg=NEAREST,
            compression=operations_pb2.ConsolidationParams.LOSSLESS,
        )
        request = operations_pb2.ConfigConsolidationRequest(variable_id=variable_id, consolidation_params=params)
        self.stub.ConfigConsolidation(request)

    def create_layout(self, name: str, size: int = data.SCENE_PX) -> None:
        """The grid whose cell is a whole scene."""
        parameters = {
            "grid": "regular",
            "crs": data.CRS,
            "resolution": str(data.RESOLUTION_M),
            "cell_size": str(size),
        }
        layout = layouts_pb2.Layout(
            name=name,
            grid_parameters=parameters,
            block_x_size=256,
            block_y_size=256,
            max_records=1000,
            overviews_min_size=-1,
            interlacing_pattern=MUCOG,
        )
        self.stub.CreateLayout(layouts_pb2.CreateLayoutRequest(layout=layout))

    def consolidate(
        self, name: str, instance_id: str, layout: str, record_ids, timeout_s: float, pause_s: float = 0.005
    ) -> operations_pb2.Job:
        """Runs a consolidation to its end, which is asked for after each pause."""
        request = operations_pb2.ConsolidateRequest(
            job_name=name,
            instance_id=instance_id,
            layout_name=layout,
            execution_level=operations_pb2.ExecutionAsynchronous,
            records=records_pb2.RecordIdList(ids=record_ids),
        )
        job_id = self.stub.Consolidate(request).job_id
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            job = self.stub.GetJob(operations_pb2.GetJobRequest(id=job_id)).job
            if job.state in FINAL_STATES:
                break
            time.sleep(pause_s)
        if job.state != "DONE":
            job = self.stub.GetJob(operations_pb2.GetJobRequest(id=job_id, log_limit=20)).job
            raise RuntimeError(f"job {name} is {job.state} after {timeout_s:.0f} s:\n" + "\n".join(job.logs))
        return job


def new_records(entries) -> records_pb2.CreateRecordsRequest:
    """The request for records given as name, day and area."""
    records = []
    for name, day, aoi_id in entries:
        record = records_pb2.NewRecord(name=name, aoi_id=aoi_id, tags={"bench": name})
        record.time.FromDatetime(FIRST_DAY + timedelta(days=day))
        records.append(record)
    return records_pb2.CreateRecordsRequest(records=records)


def index_request(uri: str, record_id: str, instance_id: str) -> operations_pb2.IndexDatasetsRequest:
    """The request that indexes the first band of a file."""
    dataset = operations_pb2.Dataset(
        record_id=record_id,
        instance_id=instance_id,
        bands=[1],
        dformat=FORMAT,
        real_min_value=FORMAT.min_value,
        real_max_value=FORMAT.max_value,
        exponent=1,
    )
    container = operations_pb2.Container(uri=uri, managed=False, datasets=[dataset])
    return operations_pb2.IndexDatasetsRequest(container=container)
